using System.Text;

namespace Quarank.Tokenizers;

internal static class Unicode
{
    /// <summary>The text with U+FFFD for every surrogate that has no partner.</summary>
    public static string WithoutLoneSurrogates(string text)
    {
        int first = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF');
        if (first < 0) return text;

        StringBuilder? repaired = null;
        for (int i = first; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1])) i++;
            else (repaired ??= new(text))[i] = '\uFFFD';
        }
        return repaired?.ToString() ?? text;
    }
}
