using System.Text;

namespace Quarank.Tokenizers.Jinja;

/// <summary>What operators mean for values, as in Python.</summary>
internal static class Operators
{
    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool flag => flag,
        long number => number != 0,
        double number => number != 0,
        string text => text.Length > 0,
        Sequence list => list.Items.Count > 0,
        Map map => map.Count > 0,
        _ => true,
    };

    public static bool AreEqual(object? a, object? b) => (a, b) switch
    {
        (bool or long or double, bool or long or double) =>
            a is double || b is double ? Real(a) == Real(b) : Whole(a) == Whole(b),
        (Sequence x, Sequence y) => x.IsTuple == y.IsTuple && x.Items.Count == y.Items.Count
            && x.Items.Zip(y.Items).All(p => AreEqual(p.First, p.Second)),
        (Map x, Map y) => x.Count == y.Count && x.All(m => y.TryGetValue(m.Key, out object? other) && AreEqual(m.Value, other)),
        (Undefined, Undefined) => true,
        _ => Equals(a, b),
    };

    /// <summary>Negative, zero or positive, as a stands before, with or behind b.</summary>
    public static int Compare(object? a, object? b, Place place) => (a, b) switch
    {
        (bool or long, bool or long) => Whole(a).CompareTo(Whole(b)),
        (bool or long or double, bool or long or double) => Real(a).CompareTo(Real(b)),
        (string x, string y) => string.CompareOrdinal(x, y),
        _ => throw place.Wrong($"{Describe(a)} and {Describe(b)} have no order."),
    };

    public static bool Contains(object? all, object? item, Place place) => all switch
    {
        string text => item is string part
            ? text.Contains(part, StringComparison.Ordinal)
            : throw place.Wrong($"{Describe(item)} cannot be in a text."),
        Map map => item is string key && map.ContainsKey(key),
        _ => Items(all, place).Any(other => AreEqual(item, other)),
    };

    public static object? Calculate(string op, object? a, object? b, Place place)
    {
        switch (op, a, b)
        {
            case ("~", _, _): return Written.Text(a) + Written.Text(b);
            case ("+", string x, string y): return x + y;
            case ("+", Sequence x, Sequence y) when x.IsTuple == y.IsTuple: return new Sequence([.. x.Items, .. y.Items], x.IsTuple);
            case (_, bool or long, bool or long) when op != "/": return Calculate(op, Whole(a), Whole(b), place);
            case (_, bool or long or double, bool or long or double): return Calculate(op, Real(a), Real(b), place);
            default: throw place.Wrong($"{Describe(a)} {op} {Describe(b)} has no meaning.");
        }
    }

    private static long Calculate(string op, long a, long b, Place place)
    {
        if (op is "//" or "%" && b == 0) throw place.Wrong("a division by zero.");
        return op switch
        {
            "+" => checked(a + b),
            "-" => checked(a - b),
            "*" => checked(a * b),
            "//" => checked(a / b) - (a % b != 0 && a % b < 0 != b < 0 ? 1 : 0),
            "%" => (a % b + b) % b,
            _ => throw place.Unsupported($"'{op}'", ["+", "-", "*", "/", "//", "%", "~"]),
        };
    }

    private static double Calculate(string op, double a, double b, Place place)
    {
        if (op is "/" or "//" or "%" && b == 0) throw place.Wrong("a division by zero.");
        return op switch
        {
            "+" => a + b,
            "-" => a - b,
            "*" => a * b,
            "/" => a / b,
            "//" => Math.Floor(a / b),
            "%" => a - b * Math.Floor(a / b),
            _ => throw place.Unsupported($"'{op}'", ["+", "-", "*", "/", "//", "%", "~"]),
        };
    }

    public static object Negate(object? value, Place place) => value switch
    {
        bool or long => (object)checked(-Whole(value)),
        double number => -number,
        _ => throw place.Wrong($"-{Describe(value)} has no meaning."),
    };

    public static IReadOnlyList<object?> Items(object? value, Place place) => value switch
    {
        Sequence list => list.Items,
        Map map => [.. map.Keys],
        string text => [.. text.EnumerateRunes().Select(r => r.ToString())],
        Undefined => [],
        _ => throw place.Wrong($"{Describe(value)} has no items."),
    };

    /// <summary>The kind of a value, for messages.</summary>
    public static string Describe(object? value) => value switch
    {
        null => "none",
        Undefined u => $"{u.What}, which is not defined,",
        bool => "a truth value",
        long or double => "a number",
        string => "a text",
        Sequence => "a list",
        Map => "a dictionary",
        Function f => $"the function {f.Name}",
        _ => "a namespace",
    };

    private static long Whole(object? number) => number is bool flag ? flag ? 1 : 0 : (long)number!;

    private static double Real(object? number) => number is double real ? real : Whole(number);
}
