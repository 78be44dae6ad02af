namespace Quarank.Studies.Charts;

/// <summary>
/// Several figures as one, in columns: one chart per layer kind. With <paramref name="Shared"/> the legend of the first chart stands once,
/// above all; its series must then be the same in every chart.
/// </summary>
public sealed record Panels(string Title, IReadOnlyList<Figure> Figures, bool Shared = true) : Figure(Title)
{
    /// <summary>The least width of a panel in pixels; as many stand beside one another as fit.</summary>
    public double Least { get; init; } = 230;

    internal override string Describe() => $"{Note} {string.Join(". ", Figures.Select(f => f.Title))}.".TrimStart();

    internal override void Draw(Drawing drawing)
    {
        double y = DrawHead(drawing);
        var first = Figures.OfType<Chart>().FirstOrDefault();
        if (Shared && first != null) y = new ChartPainter(first, drawing).PaintLegend(y);
        int columns = Math.Max(1, Math.Min(Figures.Count, (int)(drawing.Width / Least)));
        double width = Math.Floor(drawing.Width / columns);
        foreach (var row in Figures.Chunk(columns))
        {
            var drawn = row.Select(f => ((Shared && f is Chart chart ? chart with { HideLegend = true } : f) with { Width = (int)width - 8 }).Drawn()).ToList();
            for (int i = 0; i < drawn.Count; i++) drawing.Nest(drawn[i], i * width, y);
            y += drawn.Max(d => d.Height) + 8;
        }
        drawing.Height = Math.Ceiling(y);
    }
}
