namespace Quarank.Studies.Charts;

/// <summary>
/// Lines and points over two axes.
/// <code>
/// new Chart("Perplexity at equal bytes", new Axis("file size", Unit: AxisUnit.Bytes), new Axis("perplexity", Log: true), series)
/// {
///     Note = "WikiText-2, lower is better; bars: one standard error", Guides = [new(19.23, "dense")],
/// }.Write("pareto.svg");
/// </code>
/// </summary>
public sealed record Chart(string Title, Axis X, Axis Y, IReadOnlyList<Series> Series) : Figure(Title)
{
    public IReadOnlyList<Guide> Guides { get; init; } = [];

    /// <summary>Pixels between the axes' ends; null: about half the width.</summary>
    public double? PlotHeight { get; init; }

    /// <summary>Without a legend, as where a page shows one for several charts.</summary>
    public bool HideLegend { get; init; }

    internal override string Describe()
    {
        static string Way(Axis axis) => axis.Log ? $"{axis.Title}, logarithmic" : axis.Title;
        string names = string.Join(", ", Series.Select(s => s.Name).Where(n => n.Length > 0));
        return $"{Note} Across: {Way(X)}. Up: {Way(Y)}.{(names.Length > 0 ? $" Series: {names}." : "")}".TrimStart();
    }

    internal override void Draw(Drawing drawing) => new ChartPainter(this, drawing).Paint(DrawHead(drawing));
}
