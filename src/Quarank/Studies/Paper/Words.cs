using System.Globalization;

namespace Quarank.Studies.Paper;

/// <summary>Shares and counts as the studies write them, the same in every country.</summary>
internal static class Words
{
    /// <summary>"25.0 %".</summary>
    public static string Percent(double share, int decimals = 1) => double.IsFinite(share) ? (100 * share).ToString($"F{decimals}", CultureInfo.InvariantCulture) + " %" : "broken";

    /// <summary>"0.5 %", "10 %": fractions that were chosen, without digits that say nothing.</summary>
    public static string Fraction(double share) => (100 * share).ToString("0.##", CultureInfo.InvariantCulture) + " %";

    /// <summary>"12.3 points": the difference of two shares.</summary>
    public static string Points(double difference) => (100 * difference).ToString("0.0", CultureInfo.InvariantCulture) + " points";

    public static string Number(double value, int decimals) => value.ToString($"F{decimals}", CultureInfo.InvariantCulture);
}
