namespace Quarank.Studies.Charts;

/// <summary>A value with its place; <paramref name="Low"/> and <paramref name="High"/> are the ends of its error bar.</summary>
/// <param name="X">NaN and infinities are shown as "broken" at the edge, never left out.</param>
/// <param name="Y">As <paramref name="X"/>.</param>
/// <param name="Label">Written beside the point where there is room; always shown when the pointer rests on it.</param>
public readonly record struct DataPoint(double X, double Y, double? Low = null, double? High = null, string? Label = null);

/// <summary>How a series is drawn.</summary>
public enum Look
{
    /// <summary>A line, with markers as far as there is room for them.</summary>
    Line,

    /// <summary>Markers alone.</summary>
    Points,

    /// <summary>Markers at every point, joined by a line.</summary>
    LineAndPoints,

    /// <summary>A line in a band from <see cref="DataPoint.Low"/> to <see cref="DataPoint.High"/>: a median and a range.</summary>
    Band,

    /// <summary>A grey line of steps behind everything else, as for a Pareto frontier.</summary>
    Frontier,
}

/// <summary>Points that belong together: one entry of the legend.</summary>
/// <param name="Name">As the legend has it; empty: none.</param>
/// <param name="Tint">Which colour (0–7), so that a family of series can share one; null: the next.</param>
/// <param name="Shape">Which marker and dash (0–7); null: the next.</param>
public sealed record Series(string Name, IReadOnlyList<DataPoint> Points, Look Look = Look.LineAndPoints, int? Tint = null, int? Shape = null)
{
    /// <summary>A series of y over x.</summary>
    public static Series Of(string name, IEnumerable<double> x, IEnumerable<double> y, Look look = Look.Line) =>
        new(name, [.. x.Zip(y, (a, b) => new DataPoint(a, b))], look);

    /// <summary>A series over 1, 2, 3, …: a spectrum, an error over blocks.</summary>
    public static Series Of(string name, IEnumerable<double> y, Look look = Look.Line, int first = 1) =>
        new(name, [.. y.Select((value, i) => new DataPoint(first + i, value))], look);
}

/// <summary>A dashed line right across a chart at one value, named at its end: the dense model, a threshold.</summary>
public sealed record Guide(double Value, string Name, bool Vertical = false);
