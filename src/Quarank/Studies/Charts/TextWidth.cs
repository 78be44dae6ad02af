using System.Text;

namespace Quarank.Studies.Charts;

internal enum TextSize { Tick = 11, Note = 12, Title = 15 }

internal static class TextSizes
{
    public static double LineHeight(this TextSize size) => Math.Round((int)size * 1.35);
}

/// <summary>
/// How wide a text will be, without a font at hand: the widths of DejaVu Sans, the widest of the usual sans-serifs, so that what
/// is kept apart here is apart on every machine.
/// </summary>
internal static class TextWidth
{
    public static double Of(string text, TextSize size)
    {
        double em = 0;
        foreach (var rune in text.EnumerateRunes()) em += Em(rune);
        return em * (int)size * (size == TextSize.Title ? 1.1 : 1);
    }

    private static double Em(Rune rune) => rune.Value switch
    {
        'i' or 'j' or 'l' or '\'' => 0.28,
        ' ' or '.' or ',' or 'I' or '/' or '|' or ':' or ';' => 0.34,
        'f' or 't' or 'r' or '(' or ')' or '[' or ']' or '-' or '·' => 0.40,
        'm' or 'M' or 'W' or '%' or '@' or '—' or '→' or '←' => 1.0,
        'w' or '+' or '=' or '<' or '>' or '±' or '×' or '≤' or '≥' or '−' => 0.84,
        >= 'A' and <= 'Z' => 0.75,
        '¹' or '²' or '³' or (>= 0x2070 and <= 0x207f) => 0.42,
        < 0x2000 => 0.64,
        _ => 1.0,
    };

    /// <summary>The text in lines no wider than asked for (a single word may be).</summary>
    public static IReadOnlyList<string> Wrap(string text, TextSize size, double width)
    {
        var lines = new List<string>();
        string line = "";
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            string longer = line.Length == 0 ? word : $"{line} {word}";
            if (line.Length > 0 && Of(longer, size) > width)
            {
                lines.Add(line);
                line = word;
            }
            else
            {
                line = longer;
            }
        }
        if (line.Length > 0) lines.Add(line);
        return [.. lines.Select(l => Fit(l, size, width))];
    }

    /// <summary>The text, or as much of it as fits, and an ellipsis.</summary>
    public static string Fit(string text, TextSize size, double width)
    {
        if (Of(text, size) <= width) return text;
        var runes = text.EnumerateRunes().ToList();
        while (runes.Count > 1 && Of(string.Concat(runes) + "…", size) > width) runes.RemoveAt(runes.Count - 1);
        return string.Concat(runes).TrimEnd() + "…";
    }
}
