using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Quarank.Cli.Console;

/// <summary>Options that refuse what they cannot use, in words. A value that was not given is null: defaults live where they are
/// used.</summary>
internal static class Inputs
{
    public static Option<bool> Flag(string name, string description) => new(name) { Description = description };

    public static Option<string?> Text(string name, string helpName, string description) =>
        new(name) { Description = description, HelpName = helpName };

    public static Option<int?> Whole(string name, string helpName, string description, int minimum, int maximum = int.MaxValue) =>
        new(name)
        {
            Description = description,
            HelpName = helpName,
            CustomParser = result =>
                Parse<int>(result, name, v =>
                int.TryParse(v, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int n)
                && n >= minimum && n <= maximum ? n : null,
                    $"a whole number {Range(minimum, maximum == int.MaxValue ? null : maximum)}"),
        };

    public static Option<double?> Number(string name, string helpName, string description, double minimum,
        double maximum = double.MaxValue) =>
        new(name)
        {
            Description = description,
            HelpName = helpName,
            CustomParser = result =>
                Parse<double>(result, name, v =>
                double.TryParse(v, NumberStyles.Float, CultureInfo.InvariantCulture, out double n)
                && n >= minimum && n <= maximum ? n : null,
                    $"a number {Range(minimum, maximum == double.MaxValue ? null : maximum)}"),
        };

    /// <summary>Bytes: a number with kB, MB, GB, TB or nothing behind it.</summary>
    public static Option<long?> Size(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "SIZE",
        CustomParser = result => Parse<long>(result, name, Bytes, "a size such as 6GB, 1.5GB or 800MB"),
    };

    /// <summary>A time: a number with s, m or h behind it.</summary>
    public static Option<TimeSpan?> Time(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        CustomParser = result => Parse<TimeSpan>(result, name, Span, "a time such as 90s, 30m or 1.5h"),
    };

    private static TimeSpan? Span(string text)
    {
        double unit = text.Length == 0 ? 0 : text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, _ => 0 };
        return unit > 0 && double.TryParse(text[..^1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double n) && n > 0 && n < 1e6
            ? TimeSpan.FromSeconds(n * unit) : null;
    }

    private static long? Bytes(string text)
    {
        string[] units = ["kB", "MB", "GB", "TB"];
        int unit = Array.FindIndex(units, u => text.EndsWith(u, StringComparison.OrdinalIgnoreCase));
        string number = unit < 0 ? text : text[..^2];
        return double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double n) && n > 0 && n < 1e6 * (unit < 0 ? 1e9 : 1)
            ? (long)(n * Math.Pow(1000, unit + 1)) : null;
    }

    /// <summary>One of a few words, which stand for values.</summary>
    public static Option<T?> Choice<T>(string name, string description, params (string Word, T Value)[] choices) where T
        : struct =>
        new(name)
        {
            Description = description,
            HelpName = string.Join('|', choices.Select(c => c.Word)),
            CustomParser = result =>
                Parse<T>(result, name, v => Array.Find(choices, c => c.Word == v) is { Word: not null } found ? found.Value
                : null,
                string.Join(", ", choices[..^1].Select(c => c.Word)) + " or " + choices[^1].Word),
        };

    /// <summary>Whole numbers between commas, or <c>none</c>.</summary>
    public static Option<int[]?> Wholes(string name, string description, int minimum, int maximum = int.MaxValue) => new(name)
    {
        Description = description,
        HelpName = "N,...",
        CustomParser = result =>
        {
            if (result.Tokens is not [{ Value: var text }]) return null;
            if (text == "none") return [];
            var numbers = new List<int>();
            foreach (string word in text.Split(','))
            {
                if (!int.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int n) || n < minimum || n > maximum)
                {
                    result.AddError($"{name} takes whole numbers {Range(minimum, maximum == int.MaxValue ? null : maximum)} between commas, or none; not '{word}'.");
                    return null;
                }
                numbers.Add(n);
            }
            return [.. numbers.Distinct()];
        },
    };

    private static T? Parse<T>(ArgumentResult result, string name, Func<string, T?> parse, string expected) where T : struct
    {
        if (result.Tokens is [var token])
        {
            if (parse(token.Value) is { } value) return value;
            result.AddError($"{name} takes {expected}, not '{token.Value}'.");
        }
        return null;
    }

    private static string Range(IFormattable minimum, IFormattable? maximum) =>
        maximum is null ? Units.Invariant($"from {minimum} up") : Units.Invariant($"from {minimum} to {maximum}");
}
