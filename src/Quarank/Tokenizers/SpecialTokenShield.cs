using System.Buffers;
using System.Text;

namespace Quarank.Tokenizers;

/// <summary>
/// Keeps special tokens that are written out in a text from being found: a mark, which the text does not have and which is taken
/// out again before the text is cut, goes behind the first character of each.
/// </summary>
internal sealed class SpecialTokenShield
{
    private readonly SearchValues<string> _contents;

    public SpecialTokenShield(IEnumerable<AddedToken> tokens) =>
        _contents = SearchValues.Create([.. tokens.Where(t => t.Special).Select(t => t.Content)], StringComparison.Ordinal);

    /// <summary>A code point that is no character and stands in none of the texts.</summary>
    /// <exception cref="ArgumentException">The texts have all of them.</exception>
    public static char FreeMark(IEnumerable<string> texts)
    {
        var used = texts.SelectMany(t => t).ToHashSet();
        for (char mark = '\uFDD0'; mark <= '\uFDEF'; mark++)
            if (!used.Contains(mark)) return mark;
        throw new ArgumentException("The texts hold every one of the code points U+FDD0 to U+FDEF, which are no characters.", nameof(texts));
    }

    public string Apply(string text, char mark)
    {
        StringBuilder? result = null;
        int done = 0;
        for (int from = 0; text.AsSpan(from).IndexOfAny(_contents) is >= 0 and var offset; from = done)
        {
            int next = from + offset + (char.IsHighSurrogate(text[from + offset]) ? 2 : 1);
            (result ??= new()).Append(text, done, next - done).Append(mark);
            done = next;
        }
        return result is null ? text : result.Append(text, done, text.Length - done).ToString();
    }
}
