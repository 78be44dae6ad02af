namespace Quarank.Tokenizers;

/// <summary>Changes of text before it is cut: a chain of functions.</summary>
internal sealed class Normalizer(IReadOnlyList<Func<string, string>> steps)
{
    public static Normalizer None { get; } = new([]);

    public string Apply(string text)
    {
        foreach (var step in steps) text = step(text);
        return text;
    }

    /// <summary>Reads the normalizer of tokenizer.json.</summary>
    public static Normalizer Read(JsonPart part) => part.Exists ? new([.. Steps(part)]) : None;

    private static IEnumerable<Func<string, string>> Steps(JsonPart part)
    {
        switch (part["type"].Text())
        {
            case "Sequence":
                part.AllowOnly("type", "normalizers");
                return part["normalizers"].Items().SelectMany(Steps);
            case "NFC":
                part.AllowOnly("type");
                return [CanonicalComposition.Apply];
            case "Prepend":
                part.AllowOnly("type", "prepend");
                string prefix = part["prepend"].Text();
                return [text => text.Length == 0 ? text : prefix + text];
            case "Replace":
                var (pattern, content) = ReadReplace(part);
                return [text => text.Replace(pattern, content, StringComparison.Ordinal)];
            case var type:
                throw part.Unsupported($"normalizer '{type}'", "Sequence", "NFC", "Prepend", "Replace");
        }
    }

    /// <summary>What a Replace, normalizer or decoder, puts where.</summary>
    public static (string Pattern, string Content) ReadReplace(JsonPart part)
    {
        part.AllowOnly("type", "pattern", "content");
        part["pattern"].AllowOnly("String");
        string pattern = part["pattern"]["String"].Text();
        return pattern.Length > 0 ? (pattern, part["content"].Text()) : throw part["pattern"].Wrong("text to replace");
    }
}
