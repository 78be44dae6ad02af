using System.Runtime.InteropServices;
using System.Text;

namespace Quarank.Tokenizers;

/// <summary>
/// Unicode's normalization form C (UAX #15) of well-formed UTF-16. Our own, because string.Normalize leaves every text as it is when
/// the program runs without culture data, as ours does.
/// </summary>
internal static class CanonicalComposition
{
    private static readonly CanonicalForms Forms = CanonicalForms.Unicode;

    public static string Apply(string text)
    {
        if (IsComposed(text)) return text;

        var characters = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes()) Decompose(rune.Value, characters);
        var all = CollectionsMarshal.AsSpan(characters);
        Order(all);
        var result = new StringBuilder(text.Length);
        foreach (int c in all[..Compose(all)])
        {
            if (c <= char.MaxValue) result.Append((char)c);
            else result.Append(new Rune(c).ToString());
        }
        return result.ToString();
    }

    private static bool IsComposed(string text)
    {
        int first = text.AsSpan().IndexOfAnyExceptInRange('\0', '\u02FF');
        if (first < 0) return true;
        foreach (var rune in text.AsSpan(first).EnumerateRunes())
            if (Forms.IsChangeable(rune.Value)) return false;
        return true;
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
