namespace Quarank.Studies.Charts;

/// <summary>The heights of one series of bars, one per group; not finite: "broken". Errors, if given, are half-lengths of bars.</summary>
public sealed record BarSeries(string Name, IReadOnlyList<double> Values, IReadOnlyList<double>? Errors = null);

/// <summary>
/// Bars in groups, side by side:
/// <code>new BarChart("Perplexity by bits", new Axis("perplexity", Log: true), ["K = 1", "K = 2"], [new("compensated", [20774, 2889]), …])</code>
/// A linear axis begins at zero; on a logarithmic one only the bar's end means something.
/// </summary>
public sealed record BarChart(string Title, Axis Y, IReadOnlyList<string> Groups, IReadOnlyList<BarSeries> Series) : Figure(Title)
{
    public string GroupsTitle { get; init; } = "";

    public IReadOnlyList<Guide> Guides { get; init; } = [];

    public double? PlotHeight { get; init; }

    internal override string Describe() =>
        $"{Note} Bars for {string.Join(", ", Groups)}. Up: {Y.Title}. Series: {string.Join(", ", Series.Select(s => s.Name))}.".TrimStart();

    internal override void Draw(Drawing drawing)
    {
        foreach (var series in Series)
        {
            if (series.Values.Count == Groups.Count && (series.Errors == null || series.Errors.Count == Groups.Count)) continue;
            throw new ArgumentException($"{Title}: series '{series.Name}' has {series.Values.Count} values for {Groups.Count} groups.");
        }
        new BarPainter(this, drawing).Paint(DrawHead(drawing));
    }
}
