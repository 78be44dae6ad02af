namespace Quarank.Tokenizers;

/// <summary>Reads the pre_tokenizer of tokenizer.json.</summary>
internal static class PreTokenizerJson
{
    private static readonly string[] Known = ["Sequence", "ByteLevel", "Digits", "Split", "Metaspace"];

    public static PreTokenizer Read(JsonPart part)
    {
        if (!part.Exists) return PreTokenizer.None;
        if (part["type"].Text() != "Sequence") return Single(part);

        part.AllowOnly("type", "pretokenizers");
        var result = PreTokenizer.None;
        foreach (var item in part["pretokenizers"].Items())
        {
            var next = Single(item);
            // What changes text must stand first, and what spells it as bytes last, to mean the same as one after the other.
            bool changes = next.Prefix is not null || next.SpaceReplacement is not null;
            if (result.ByteLevel || changes && result.Scanners.Count > 0)
                throw item.Unsupported(
                    $"'{item["type"].Text()}' at this place of a Sequence", "text-changing parts first", "ByteLevel last");
            result = new()
            {
                Prefix = next.Prefix ?? result.Prefix,
                PrefixOnlyFirst = next.PrefixOnlyFirst || result.PrefixOnlyFirst,
                SpaceReplacement = next.SpaceReplacement ?? result.SpaceReplacement,
                ByteLevel = next.ByteLevel,
                Scanners = [.. result.Scanners, .. next.Scanners],
            };
        }
        return result;
    }

    private static PreTokenizer Single(JsonPart part)
    {
        switch (part["type"].Text())
        {
            case "ByteLevel":
                // trim_offsets only moves the offsets of tokens, which we do not give.
                part.AllowOnly("type", "add_prefix_space", "trim_offsets", "use_regex");
                return new()
                {
                    ByteLevel = true,
                    Prefix = part["add_prefix_space"].Flag(whenAbsent: true) ? ' ' : null,
                    Scanners = part["use_regex"].Flag(whenAbsent: true) ? [new Gpt2Scanner()] : [],
                };
            case "Digits":
                part.AllowOnly("type", "individual_digits");
                return new() { Scanners = [new DigitScanner(part["individual_digits"].Flag(whenAbsent: false))] };
            case "Split":
                return new() { Scanners = [Split(part)] };
            case "Metaspace":
                return Metaspace(part);
            case var type:
                throw part.Unsupported($"pre-tokenizer '{type}'", Known);
        }
    }

    private static WordScanner Split(JsonPart part)
    {
        part.AllowOnly("type", "pattern", "behavior", "invert");
        part["pattern"].AllowOnly("Regex", "String");
        string behavior = part["behavior"].Text();
        if (part["pattern"]["String"].Exists) return SplitAtText(part, behavior);
        string pattern = part["pattern"]["Regex"].Text();
        // The known patterns match all of any text, so that Removed with inversion leaves the same words as Isolated.
        bool inverted = part["invert"].Flag(whenAbsent: false);
        if ((behavior, inverted) is not (("Isolated", false) or ("Removed", true)))
            throw part.Unsupported($"behavior '{behavior}' with invert {inverted}", "Isolated", "Removed inverted");
        return pattern switch
        {
            Gpt2Scanner.Pattern => new Gpt2Scanner(),
            TiktokenScanner.ThreeDigitsPattern => new TiktokenScanner(3),
            TiktokenScanner.OneDigitPattern => new TiktokenScanner(1),
            TekkenScanner.Pattern => new TekkenScanner(),
            _ => throw part.Unsupported($"pattern {pattern}", Gpt2Scanner.Pattern, TiktokenScanner.ThreeDigitsPattern,
                TiktokenScanner.OneDigitPattern, TekkenScanner.Pattern),
        };
    }

    // Gemma cuts at spaces, of which its normalizer has left none.
    private static TextScanner SplitAtText(JsonPart part, string behavior)
    {
        string text = part["pattern"]["String"].Text();
        if (text.Length == 0) throw part["pattern"].Wrong("text to cut at");
        if (part["invert"].Flag(whenAbsent: false)) throw part.Unsupported("invert with a text", "false");
        return behavior switch
        {
            "MergedWithPrevious" => new(text, withPrevious: true),
            "Isolated" => new(text, withPrevious: false),
            _ => throw part.Unsupported($"behavior '{behavior}' with a text", "MergedWithPrevious", "Isolated"),
        };
    }

    private static PreTokenizer Metaspace(JsonPart part)
    {
        part.AllowOnly("type", "replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep");
        string replacement = part["replacement"].Text();
        if (replacement.Length != 1) throw part["replacement"].Wrong("one character");
        string scheme = PrependScheme(part);
        return new()
        {
            SpaceReplacement = replacement[0],
            Prefix = scheme == "never" ? null : replacement[0],
            PrefixOnlyFirst = scheme == "first",
            Scanners = part["split"].Flag(whenAbsent: true) ? [new MetaspaceScanner(replacement[0])] : [],
        };
    }

    /// <summary>Where a Metaspace puts its sign in front: "always", "first" or "never"; old files only say whether.</summary>
    public static string PrependScheme(JsonPart part)
    {
        string whenAbsent = part["add_prefix_space"].Flag(whenAbsent: true) ? "always" : "never";
        string scheme = part["prepend_scheme"].Text(whenAbsent);
        return scheme is "always" or "first" or "never"
            ? scheme
            : throw part.Unsupported($"prepend_scheme '{scheme}'", "always", "first", "never");
    }
}
