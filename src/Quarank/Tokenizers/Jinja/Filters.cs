using System.Globalization;

namespace Quarank.Tokenizers.Jinja;

/// <summary>The filters: value | name(…).</summary>
internal static class Filters
{
    private static readonly Dictionary<string, Func<object?, Arguments, object?>> All = new(StringComparer.Ordinal)
    {
        ["trim"] = (value, a) => Text(value, a).Trim(),
        ["upper"] = (value, a) => Text(value, a).ToUpperInvariant(),
        ["lower"] = (value, a) => Text(value, a).ToLowerInvariant(),
        ["capitalize"] = (value, a) => Capitalize(Text(value, a)),
        ["title"] = (value, a) => Title(Text(value, a)),
        ["string"] = (value, a) => Text(value, a),
        ["safe"] = (value, a) => Text(value, a),
        ["replace"] = (value, a) => Replace(Written.Text(value), a),
        ["length"] = Length,
        ["count"] = Length,
        ["list"] = (value, a) => Plain(a, new Sequence(a.Items(value))),
        ["reverse"] = (value, a) => Plain(a, value is string text ? string.Concat(a.Items(text).Reverse())
            : (object)new Sequence([.. a.Items(value).Reverse()])),
        ["first"] = (value, a) => Plain(a, a.Items(value) is [var item, ..] ? item : new Undefined("the first item")),
        ["last"] = (value, a) => Plain(a, a.Items(value) is [.., var item] ? item : new Undefined("the last item")),
        ["join"] = (value, a) => string.Join(Written.Text(a.Bind(("d", ""))[0]), a.Items(value).Select(Written.Text)),
        ["int"] = (value, a) => Plain<object?>(a, Int(value, a)),
        ["abs"] = (value, a) => Plain(a, Operators.Compare(value, 0L, a.Place) < 0 ? Operators.Negate(value, a.Place) : value),
        ["default"] = Default,
        ["d"] = Default,
        ["items"] = (value, a) => Plain(a, Map(value, a).Pairs()),
        ["dictsort"] = (value, a) => Plain(a, new Map(Map(value, a).OrderBy(m => m.Key, StringComparer.OrdinalIgnoreCase)).Pairs()),
        ["tojson"] = ToJson,
        ["indent"] = Indent,
        ["map"] = ItemFilters.Map,
        ["select"] = (value, a) => ItemFilters.Select(value, a, keep: true),
        ["reject"] = (value, a) => ItemFilters.Select(value, a, keep: false),
        ["selectattr"] = (value, a) => ItemFilters.SelectByMember(value, a, keep: true),
        ["rejectattr"] = (value, a) => ItemFilters.SelectByMember(value, a, keep: false),
    };

    /// <exception cref="NotSupportedException">There is no filter of that name; the message lists them.</exception>
    public static Func<object?, Arguments, object?> Find(string name, Place place) =>
        All.TryGetValue(name, out var filter) ? filter : throw place.Unsupported($"the filter '{name}'", All.Keys);

    /// <summary>The value, where nothing may be given besides.</summary>
    public static T Plain<T>(Arguments a, T value)
    {
        a.Bind();
        return value;
    }

    public static string Capitalize(string text) =>
        text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..].ToLowerInvariant();

    public static string Title(string text)
    {
        char[] letters = text.ToCharArray();
        for (int i = 0; i < letters.Length; i++)
        {
            letters[i] = i > 0 && char.IsLetter(letters[i - 1]) ? char.ToLowerInvariant(letters[i]) : char.ToUpperInvariant(letters[i]);
        }
        return new(letters);
    }

    public static string Replace(string text, Arguments a)
    {
        var p = a.Bind(("old", Arguments.Required), ("new", Arguments.Required));
        string old = a.Text(p[0]);
        return old.Length > 0 ? text.Replace(old, a.Text(p[1]), StringComparison.Ordinal)
            : throw a.Place.Unsupported("'replace' of an empty text", ["text to replace"]);
    }

    private static string Text(object? value, Arguments a) => Plain(a, Written.Text(value));

    private static object? Length(object? value, Arguments a) => Plain<object?>(a, (long)a.Items(value).Count);

    private static object? Default(object? value, Arguments a)
    {
        var p = a.Bind(("default_value", ""), ("boolean", false));
        return value is Undefined || Operators.IsTrue(p[1]) && !Operators.IsTrue(value) ? p[0] : value;
    }

    private static long Int(object? value, Arguments a) => value switch
    {
        bool or long => a.Whole(value),
        double number => checked((long)number),
        string text when long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out long number) => number,
        _ => throw a.Place.Unsupported($"'int' of {Operators.Describe(value)}", ["numbers", "texts of whole numbers"]),
    };

    private static Map Map(object? value, Arguments a) => value switch
    {
        Map map => map,
        Undefined => [],
        _ => throw a.Place.Wrong($"{Operators.Describe(value)} is no dictionary."),
    };

    private static string ToJson(object? value, Arguments a)
    {
        var p = a.Bind(("indent", null), ("ensure_ascii", false));
        if (Operators.IsTrue(p[1])) throw a.Place.Unsupported("'tojson' with ensure_ascii", ["false"]);
        long? indent = p[0] is null ? null : a.Whole(p[0]);
        return indent is null or >= 0 and <= 16 ? Written.Json(value, (int?)indent, a.Place)
            : throw a.Place.Unsupported($"'tojson' with an indent of {indent}", ["0 to 16"]);
    }

    private static string Indent(object? value, Arguments a)
    {
        var p = a.Bind(("width", 4L), ("first", false), ("blank", false));
        string space = p[0] as string ?? new(' ', (int)Math.Clamp(a.Whole(p[0]), 0, 100));
        var lines = Written.Text(value).Split('\n').Select((line, i) =>
            (i == 0 ? Operators.IsTrue(p[1]) : line.Length > 0 || Operators.IsTrue(p[2])) ? space + line : line);
        return string.Join('\n', lines);
    }
}
