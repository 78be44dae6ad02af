using System.Runtime.InteropServices;
using System.Text;

namespace Quarank.Tokenizers;

/// <summary>
/// Unicode's normalization form C (UAX #15) of well-formed UTF-16. Our own, because string.Normalize leaves every text as it is
/// when the program runs without culture data, as ours does.
/// </summary>
internal static class CanonicalComposition
{
    private static readonly CanonicalForms Forms = CanonicalForms.Unicode;

    public static string Apply(string text)
    {
        // Before a character that never changes text may be cut: what is on its left cannot reach it (UAX #15, section 9.1).
        StringBuilder? result = null;
        int done = 0;
        while (NextChangeable(text, done, out int length) is >= 0 and var at)
        {
            result ??= new(text.Length);
            int start = at;
            if (at > done) start -= at - 1 > done && char.IsLowSurrogate(text[at - 1]) ? 2 : 1;
            int end = at + length;
            while (end < text.Length && IsChangeable(text, end, out length)) end += length;
            result.Append(text, done, start - done);
            ComposeAll(text.AsSpan(start, end - start), result);
            done = end;
        }
        return result is null ? text : result.Append(text, done, text.Length - done).ToString();
    }

    // −1 when there is none.
    private static int NextChangeable(string text, int from, out int length)
    {
        length = 0;
        while (true)
        {
            int skipped = text.AsSpan(from).IndexOfAnyExceptInRange('\0', '\u02FF');
            if (skipped < 0) return -1;
            from += skipped;
            if (IsChangeable(text, from, out length)) return from;
            from += length;
        }
    }

    private static bool IsChangeable(string text, int at, out int length)
    {
        Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out length);
        return Forms.IsChangeable(rune.Value);
    }

    private static void ComposeAll(ReadOnlySpan<char> text, StringBuilder result)
    {
        var characters = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes()) Decompose(rune.Value, characters);
        var all = CollectionsMarshal.AsSpan(characters);
        Order(all);
        foreach (int c in all[..Compose(all)])
        {
            if (c <= char.MaxValue) result.Append((char)c);
            else result.Append(new Rune(c).ToString());
        }
    }

    private static void Decompose(int c, List<int> to)
    {
        if (Hangul.IsSyllable(c))
        {
            int index = c - Hangul.Syllable;
            to.Add(Hangul.Lead + index / (Hangul.Vowels * Hangul.Trails));
            to.Add(Hangul.Vowel + index / Hangul.Trails % Hangul.Vowels);
            if (index % Hangul.Trails > 0) to.Add(Hangul.Trail + index % Hangul.Trails);
        }
        else if (Forms.Decomposition(c) is { } parts)
        {
            foreach (int part in parts) Decompose(part, to);
        }
        else to.Add(c);
    }

    // Marks between two starters stand in the order of their classes; OrderBy keeps equals as they were.
    private static void Order(Span<int> characters)
    {
        for (int start = 0; start < characters.Length; start++)
        {
            if (Forms.Class(characters[start]) == 0) continue;
            int end = start + 1;
            while (end < characters.Length && Forms.Class(characters[end]) != 0) end++;
            var marks = characters[start..end].ToArray();
            marks.OrderBy(c => Forms.Class(c)).ToArray().CopyTo(characters[start..]);
            start = end;
        }
    }

    // A character joins the last starter unless one of at least its class, or another starter, stands between.
    private static int Compose(Span<int> characters)
    {
        int count = 0, starter = -1, lastClass = 0;
        foreach (int c in characters)
        {
            int ownClass = Forms.Class(c);
            bool adjacent = starter == count - 1;
            if (starter >= 0 && (adjacent || lastClass != 0 && lastClass < ownClass)
                && (Hangul.Compose(characters[starter], c) ?? Forms.Composition(characters[starter], c)) is { } whole)
            {
                characters[starter] = whole;
                continue;
            }
            if (ownClass == 0) starter = count;
            lastClass = ownClass;
            characters[count++] = c;
        }
        return count;
    }
}
