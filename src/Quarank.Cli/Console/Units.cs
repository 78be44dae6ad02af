using System.Globalization;

namespace Quarank.Cli.Console;

/// <summary>Numbers as people read them: SI units, three digits, the same in every country.</summary>
internal static class Units
{
    private static readonly string[] ByteUnits = ["B", "kB", "MB", "GB", "TB"];

    /// <summary>"512 B", "10.9 MB", "1.35 GB".</summary>
    public static string Bytes(long bytes)
    {
        if (bytes < 1000) return Invariant($"{bytes} B");
        double value = bytes;
        int unit = 0;
        while (value >= 999.5 && unit < ByteUnits.Length - 1)
        {
            value /= 1000;
            unit++;
        }
        return $"{Digits(value)} {ByteUnits[unit]}";
    }

    /// <summary>"0.4 s", "12 s", "3 min 05 s", "2 h 10 min".</summary>
    public static string Duration(double seconds)
    {
        if (seconds < 9.95) return Invariant($"{seconds:0.0} s");
        long whole = (long)Math.Round(seconds);
        if (whole < 60) return Invariant($"{whole} s");
        if (whole < 3600) return Invariant($"{whole / 60} min {whole % 60:00} s");
        return Invariant($"{whole / 3600} h {whole % 3600 / 60:00} min");
    }

    /// <summary>"5,459,456".</summary>
    public static string Count(long count) => Invariant($"{count:N0}");

    /// <summary>"5.46 million".</summary>
    public static string Roughly(long count) => count switch
    {
        < 1_000_000 => Count(count),
        < 1_000_000_000 => $"{Digits(count / 1e6)} million",
        _ => $"{Digits(count / 1e9)} billion",
    };

    /// <summary>Three decimals: "2.016".</summary>
    public static string BitsPerWeight(double bits) => Invariant($"{bits:0.000}");

    /// <summary>Two decimals as long as they say something: "19.23", "2,889", "2.43e+06".</summary>
    public static string Perplexity(double value) => value switch
    {
        < 1_000 => Invariant($"{value:0.00}"),
        < 100_000 => Invariant($"{value:N0}"),
        _ => value.ToString("0.00e+00", CultureInfo.InvariantCulture),
    };

    public static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    private static string Digits(double value) => value switch
    {
        < 9.995 => Invariant($"{value:0.00}"),
        < 99.95 => Invariant($"{value:0.0}"),
        _ => Invariant($"{value:0}"),
    };
}
