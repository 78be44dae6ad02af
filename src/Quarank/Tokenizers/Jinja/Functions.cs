using System.Globalization;
using System.Text;

namespace Quarank.Tokenizers.Jinja;

/// <summary>The functions that every chat template may call.</summary>
internal static class Functions
{
    /// <summary>Longer ranges are refused, as in the reference's sandbox.</summary>
    private const long LongestRange = 100_000;

    public static IReadOnlyList<string> Known { get; } = ["range", "namespace", "dict", "raise_exception", "strftime_now"];

    /// <param name="now">The time that strftime_now writes.</param>
    public static void AddTo(Scope scope, DateTime now)
    {
        Add("range", Range);
        Add("namespace", a => new Namespace(Members(a)));
        Add("dict", a => Members(a));
        Add("raise_exception", a => throw new NotSupportedException(
            $"{a.Place.File}: the chat template refuses these messages: {Written.Text(a.Bind(("message", Arguments.Required))[0])}"));
        Add("strftime_now", a => Format(now, a.Text(a.Bind(("format", Arguments.Required))[0]), a.Place));

        void Add(string name, Func<Arguments, object?> call) => scope.Set(name, new Function(name, call));
    }

    private static Map Members(Arguments a)
    {
        var map = new Map(a.Named);
        foreach (object? given in a.Positional)
        {
            foreach (var (name, value) in given as Map ?? throw a.Place.Wrong($"{Operators.Describe(given)} is no dictionary."))
                map.TryAdd(name, value);
        }
        return map;
    }

    private static Sequence Range(Arguments a)
    {
        var p = a.Bind(("start", Arguments.Required), ("stop", null), ("step", 1L));
        long start = p[1] is null ? 0 : a.Whole(p[0]), stop = a.Whole(p[1] ?? p[0]), step = a.Whole(p[2]);
        if (step == 0) throw a.Place.Wrong("a range in steps of 0.");
        List<object?> items = [];
        for (Int128 i = start; step > 0 ? i < stop : i > stop; i += step)
        {
            if (items.Count == LongestRange) throw a.Place.Unsupported("so long a range", [$"up to {LongestRange} items"]);
            items.Add((long)i);
        }
        return new(items);
    }

    private static string Format(DateTime now, string format, Place place)
    {
        var text = new StringBuilder();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length) text.Append(format[i]);
            else text.Append(Part(now, format[++i], place));
        }
        return text.ToString();
    }

    private static string Part(DateTime now, char letter, Place place)
    {
        string? format = letter switch
        {
            'd' => "dd",
            'm' => "MM",
            'y' => "yy",
            'Y' => "yyyy",
            'b' => "MMM",
            'B' => "MMMM",
            'a' => "ddd",
            'A' => "dddd",
            'H' => "HH",
            'I' => "hh",
            'M' => "mm",
            'S' => "ss",
            'p' => "tt",
            _ => null,
        };
        if (letter == '%') return "%";
        return format is null
            ? throw place.Unsupported($"%{letter} in a date", ["%d %m %y %Y %b %B %a %A %H %I %M %S %p"])
            : now.ToString(format, CultureInfo.InvariantCulture);
    }
}
