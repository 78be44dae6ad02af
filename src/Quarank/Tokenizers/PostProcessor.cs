namespace Quarank.Tokenizers;

/// <summary>Special tokens put before and after the ids of a text.</summary>
internal sealed record PostProcessor(IReadOnlyList<int> Before, IReadOnlyList<int> After)
{
    public static PostProcessor None { get; } = new([], []);

    /// <summary>Reads the post_processor of tokenizer.json; only its part for single texts matters here.</summary>
    public static PostProcessor Read(JsonPart part, Vocabulary vocabulary)
    {
        if (!part.Exists) return None;
        switch (part["type"].Text())
        {
            case "ByteLevel":
                // It only moves the offsets of tokens.
                part.AllowOnly("type", "add_prefix_space", "trim_offsets", "use_regex");
                return None;
            case "Sequence":
                part.AllowOnly("type", "processors");
                return part["processors"].Items().Select(p => Read(p, vocabulary))
                    .Aggregate(None, (inner, outer) => new([.. outer.Before, .. inner.Before], [.. inner.After, .. outer.After]));
            case "TemplateProcessing":
                return Template(part, vocabulary);
            case var type:
                throw part.Unsupported($"post-processor '{type}'", "Sequence", "TemplateProcessing", "ByteLevel");
        }
    }

    private static PostProcessor Template(JsonPart part, Vocabulary vocabulary)
    {
        part.AllowOnly("type", "single", "pair", "special_tokens");
        List<int> before = [], after = [];
        bool seen = false;
        foreach (var item in part["single"].Items())
        {
            item.AllowOnly("Sequence", "SpecialToken");
            if (item["Sequence"].Exists)
            {
                if (seen || item["Sequence"]["id"].Text() != "A") throw part["single"].Wrong("the sequence A once");
                seen = true;
                continue;
            }
            string name = item["SpecialToken"]["id"].Text();
            foreach (var id in part["special_tokens"][name]["ids"].Items())
            {
                if (id.Integer() < 0 || id.Integer() >= vocabulary.Count) throw id.Wrong($"an id below {vocabulary.Count}");
                (seen ? after : before).Add(id.Integer());
            }
        }
        if (!seen) throw part["single"].Wrong("the sequence A once");
        return new(before, after);
    }
}
