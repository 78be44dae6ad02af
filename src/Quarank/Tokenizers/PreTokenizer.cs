namespace Quarank.Tokenizers;

/// <summary>
/// Cuts text between added tokens into words: a change at its start, then scanners, each within the words of the one before.
/// </summary>
internal sealed class PreTokenizer
{
    public static PreTokenizer None { get; } = new();

    /// <summary>Cut in turn; with none the text is one word.</summary>
    public IReadOnlyList<WordScanner> Scanners { get; init; } = [];

    /// <summary>Put before text that does not begin with it.</summary>
    public char? Prefix { get; init; }

    /// <summary>The prefix is put only at the start of the whole text, not after an added token.</summary>
    public bool PrefixOnlyFirst { get; init; }

    /// <summary>Replaces every space.</summary>
    public char? SpaceReplacement { get; init; }

    /// <summary>Symbols that are taken whole and never merge.</summary>
    public AddedTokenMatcher? Frozen { get; init; }

    /// <summary>The words are spelled as bytes.</summary>
    public bool ByteLevel { get; init; }

    public void Encode(string text, bool first, BytePairEncoder encoder, List<int> ids)
    {
        if (text.Length == 0) return;
        if (SpaceReplacement is { } space) text = text.Replace(' ', space);
        if (Prefix is { } prefix && text[0] != prefix && (first || !PrefixOnlyFirst)) text = prefix + text;
        if (Frozen is null) Cut(0, text, encoder, ids);
        else
            foreach (var (token, range) in Frozen.Split(text))
            {
                if (token is not null) ids.Add(token.Id);
                else Cut(0, text.AsSpan(range), encoder, ids);
            }
    }

    private void Cut(int level, ReadOnlySpan<char> text, BytePairEncoder encoder, List<int> ids)
    {
        if (level == Scanners.Count)
        {
            encoder.Encode(text, ids);
            return;
        }
        var scanner = Scanners[level];
        for (int start = 0; start < text.Length;)
        {
            int end = scanner.End(text, start);
            Cut(level + 1, text[start..end], encoder, ids);
            start = end;
        }
    }
}
