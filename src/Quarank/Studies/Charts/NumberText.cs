using System.Globalization;

namespace Quarank.Studies.Charts;

/// <summary>Numbers as people read them, the same in every country.</summary>
public static class NumberText
{
    private static readonly string[] Prefixes = ["B", "kB", "MB", "GB", "TB"];

    /// <summary>Four digits as far as they say something: "19.23", "2,889", "0.001325", "2.43 × 10⁶"; "broken" if not finite.</summary>
    public static string Round(double value)
    {
        if (!double.IsFinite(value)) return "broken";
        double size = Math.Abs(value);
        if (size == 0) return "0";
        if (size >= 99_999.5 || size < 0.00009995) return Power(value);
        int decimals = Math.Clamp(3 - (int)Math.Floor(Math.Log10(size)), 0, 8);
        return Trim(value.ToString($"N{decimals}", CultureInfo.InvariantCulture));
    }

    /// <summary>A number with so many decimals, never in the manner of a country; "broken" if not finite.</summary>
    public static string Fixed(double value, int decimals) =>
        double.IsFinite(value) ? Unsigned(value.ToString($"N{decimals}", CultureInfo.InvariantCulture)).Replace('-', '−') : "broken";

    /// <summary>As <see cref="Fixed"/>, with a plus before what is above zero as written.</summary>
    public static string WithSign(double value, int decimals)
    {
        string text = Fixed(value, decimals);
        return value > 0 && text.AsSpan().ContainsAnyInRange('1', '9') ? "+" + text : text;
    }

    /// <summary>"19.23 ± 0.32": as many decimals as two digits of the standard error have.</summary>
    public static string WithError(double value, double error)
    {
        if (!double.IsFinite(value)) return "broken";
        if (!double.IsFinite(error) || error <= 0 || Math.Abs(value) >= 999_999.5) return $"{Round(value)} ± {Round(error)}";
        int decimals = Math.Clamp(1 - (int)Math.Floor(Math.Log10(error)), 0, 6);
        return $"{Fixed(value, decimals)} ± {Fixed(error, decimals)}";
    }

    /// <summary>"10.9 MB": powers of 1000.</summary>
    public static string Bytes(double bytes)
    {
        if (!double.IsFinite(bytes)) return "broken";
        int unit = ByteUnit(bytes);
        double value = bytes / Math.Pow(1000, unit);
        return $"{(unit == 0 || value >= 100 ? Fixed(value, 0) : Fixed(value, value >= 10 ? 1 : 2))} {Prefixes[unit]}";
    }

    internal static int ByteUnit(double bytes) =>
        Math.Clamp((int)Math.Floor(Math.Log10(Math.Max(1, Math.Abs(bytes) * 1.0005)) / 3), 0, Prefixes.Length - 1);

    internal static string ByteUnitName(int unit) => Prefixes[unit];

    /// <summary>"10⁶".</summary>
    internal static string TenTo(int exponent) => "10" + string.Concat(
        exponent.ToString(CultureInfo.InvariantCulture).Select(c => c == '-' ? '⁻' : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c - '0']));

    /// <summary>A zero has no sign.</summary>
    private static string Unsigned(string text) => text.AsSpan().ContainsAnyInRange('1', '9') ? text : text.TrimStart('-');

    private static string Power(double value)
    {
        int exponent = (int)Math.Floor(Math.Log10(Math.Abs(value)));
        string digits = (value / Math.Pow(10, exponent)).ToString("0.00", CultureInfo.InvariantCulture);
        if (digits is "10.00" or "-10.00") (digits, exponent) = (digits.Replace("10", "1"), exponent + 1);
        return $"{digits.Replace('-', '−')} × {TenTo(exponent)}";
    }

    private static string Trim(string text) =>
        (text.Contains('.') ? text.TrimEnd('0').TrimEnd('.') : text).Replace('-', '−');
}
