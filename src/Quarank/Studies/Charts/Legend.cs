namespace Quarank.Studies.Charts;

/// <summary>One line of a legend: a sample and a name.</summary>
internal readonly record struct LegendEntry(string Name, Action<Drawing, double, double> DrawSample);

/// <summary>Entries in columns of one width, as many as fit: nothing can overlap.</summary>
internal static class Legend
{
    private const double Sample = 30, Gap = 18;

    /// <summary>Draws from <paramref name="top"/> downwards; gives where it ends.</summary>
    public static double Draw(Drawing drawing, double top, IReadOnlyList<LegendEntry> entries)
    {
        var shown = entries.Where(e => e.Name.Length > 0).ToList();
        if (shown.Count == 0) return top;
        double room = drawing.Width - 8;
        double widest = Math.Min(room - Sample, shown.Max(e => TextWidth.Of(e.Name, TextSize.Note)));
        int columns = Math.Clamp((int)((room + Gap) / (Sample + widest + Gap)), 1, shown.Count);
        int rows = (shown.Count + columns - 1) / columns;
        double line = TextSize.Note.LineHeight() + 2;
        for (int i = 0; i < shown.Count; i++)
        {
            double x = 4 + i / rows * (Sample + widest + Gap), y = top + i % rows * line + line / 2;
            shown[i].DrawSample(drawing, x, y);
            string fit = TextWidth.Fit(shown[i].Name, TextSize.Note, widest);
            drawing.Text(x + Sample, y + 4, fit, TextSize.Note, "ink", words: fit == shown[i].Name ? null : shown[i].Name);
        }
        return top + rows * line + 8;
    }
}
