using System.Buffers;
using System.Text;

namespace Quarank.Tokenizers;

/// <summary>Finds added tokens in text: the leftmost, and of several there the longest.</summary>
internal sealed class AddedTokenMatcher
{
    private readonly Dictionary<char, (string Text, AddedToken Token)[]> _byFirst;
    private readonly SearchValues<char> _first;

    /// <param name="tokens">Tokens with the text to seek, which normalization may have made differ from their content.</param>
    public AddedTokenMatcher(IEnumerable<(string Text, AddedToken Token)> tokens)
    {
        _byFirst = tokens.Where(t => t.Text.Length > 0).GroupBy(t => t.Text[0])
            .ToDictionary(g => g.Key, g => g.OrderByDescending(t => t.Text.Length).ToArray());
        _first = SearchValues.Create(_byFirst.Keys.ToArray());
    }

    /// <summary>Parts of the text in order: an added token, or a range of text (never empty) where the token is null.</summary>
    public IEnumerable<(AddedToken? Token, Range Range)> Split(string text)
    {
        int done = 0, from = 0;
        while (_byFirst.Count > 0 && Next(text, from) is { } match)
        {
            var (token, start, end) = match;
            from = end;
            if (token.SingleWord && (EndsInWord(text.AsSpan(0, start)) || StartsWithWord(text.AsSpan(end)))) continue;
            if (token.LeftStrip) start = Math.Max(done, text.AsSpan(0, start).TrimEnd().Length);
            if (token.RightStrip) from = end = text.Length - text.AsSpan(end).TrimStart().Length;
            if (done < start) yield return (null, done..start);
            yield return (token, start..end);
            done = end;
        }
        if (done < text.Length) yield return (null, done..text.Length);
    }

    private (AddedToken Token, int Start, int End)? Next(string text, int from)
    {
        while (true)
        {
            int offset = text.AsSpan(from).IndexOfAny(_first);
            if (offset < 0) return null;
            from += offset;
            foreach (var (content, token) in _byFirst[text[from]])
                if (text.AsSpan(from).StartsWith(content, StringComparison.Ordinal)) return (token, from, from + content.Length);
            from++;
        }
    }

    private static bool EndsInWord(ReadOnlySpan<char> text) =>
        Rune.DecodeLastFromUtf16(text, out var rune, out _) == OperationStatus.Done && CharacterClasses.IsWord(rune);

    private static bool StartsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeFromUtf16(text, out var rune, out _) == OperationStatus.Done && CharacterClasses.IsWord(rune);
}
