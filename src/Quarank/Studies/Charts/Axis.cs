namespace Quarank.Studies.Charts;

/// <summary>What the figures along an axis count.</summary>
public enum AxisUnit
{
    /// <summary>A plain number; its unit, if it has one, stands in the title.</summary>
    Number,

    /// <summary>A share between 0 and 1, shown as per cent.</summary>
    Percent,

    /// <summary>Bytes, shown in the unit (kB, MB, GB, powers of 1000) that fits the largest; the unit is added to the title.</summary>
    Bytes,
}

/// <summary>An axis of a chart: <c>new Axis("perplexity", Log: true)</c>, <c>new Axis("file size", Unit: AxisUnit.Bytes)</c>.</summary>
/// <param name="Title">The quantity, with its unit where there is one: "rank", "bits per weight", "time (s)".</param>
/// <param name="Log">Powers of ten at equal distances; zero and negative values then stand in a lane of their own.</param>
/// <param name="From">Where the axis begins (null: fitted to the data).</param>
/// <param name="To">Where it ends; values beyond stand in a lane at the edge, and are named there.</param>
public sealed record Axis(string Title, bool Log = false, AxisUnit Unit = AxisUnit.Number, double? From = null, double? To = null);
