namespace Quarank.Tokenizers.Jinja;

/// <summary>Methods of texts and dictionaries, as Python has them.</summary>
internal static class Methods
{
    private static readonly Dictionary<string, Func<string, Arguments, object?>> OfText = new(StringComparer.Ordinal)
    {
        ["strip"] = (text, a) => Strip(text, a, start: true, end: true),
        ["lstrip"] = (text, a) => Strip(text, a, start: true, end: false),
        ["rstrip"] = (text, a) => Strip(text, a, start: false, end: true),
        ["split"] = Split,
        ["startswith"] = (text, a) => text.StartsWith(a.Text(a.Bind(("prefix", Arguments.Required))[0]), StringComparison.Ordinal),
        ["endswith"] = (text, a) => text.EndsWith(a.Text(a.Bind(("suffix", Arguments.Required))[0]), StringComparison.Ordinal),
        ["upper"] = (text, a) => Filters.Plain(a, text.ToUpperInvariant()),
        ["lower"] = (text, a) => Filters.Plain(a, text.ToLowerInvariant()),
        ["capitalize"] = (text, a) => Filters.Plain(a, Filters.Capitalize(text)),
        ["title"] = (text, a) => Filters.Plain(a, Filters.Title(text)),
        ["replace"] = (text, a) => Filters.Replace(text, a),
        ["join"] = (text, a) => string.Join(text, a.Items(a.Bind(("items", Arguments.Required))[0]).Select(a.Text)),
        ["find"] = (text, a) => (long)text.IndexOf(a.Text(a.Bind(("part", Arguments.Required))[0]), StringComparison.Ordinal),
    };

    private static readonly Dictionary<string, Func<Map, Arguments, object?>> OfMap = new(StringComparer.Ordinal)
    {
        ["items"] = (map, a) => Filters.Plain(a, map.Pairs()),
        ["keys"] = (map, a) => Filters.Plain(a, new Sequence([.. map.Keys])),
        ["values"] = (map, a) => Filters.Plain(a, new Sequence([.. map.Values])),
        ["get"] = (map, a) => a.Bind(("key", Arguments.Required), ("default", null)) is var p
            && map.TryGetValue(a.Text(p[0]), out object? value) ? value : p[1],
    };

    // A name that Python knows and we do not must not pass for a member that is not there.
    private static readonly HashSet<string> Pythons = new(StringComparer.Ordinal)
    {
        "append", "casefold", "center", "clear", "copy", "count", "encode", "expandtabs", "extend", "format", "format_map", "index",
        "insert", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric", "isprintable",
        "isspace", "istitle", "isupper", "ljust", "maketrans", "partition", "pop", "remove", "removeprefix", "removesuffix",
        "reverse", "rfind", "rindex", "rjust", "rpartition", "rsplit", "sort", "splitlines", "swapcase", "translate", "zfill",
    };

    public static Function? Find(object owner, string name) => owner switch
    {
        string text when OfText.TryGetValue(name, out var method) => new(name, a => method(text, a)),
        Map map when OfMap.TryGetValue(name, out var method) => new(name, a => method(map, a)),
        _ => null,
    };

    public static bool IsPythons(object owner, string name) => Pythons.Contains(name);

    public static IEnumerable<string> Known(object owner) => owner switch
    {
        string => OfText.Keys,
        Map => OfMap.Keys,
        _ => ["none"],
    };

    private static string Strip(string text, Arguments a, bool start, bool end)
    {
        var characters = a.Bind(("characters", null))[0] is { } given ? a.Text(given).AsSpan() : default;
        bool spaces = a.Positional.Count == 0 || a.Positional[0] is null;
        var result = text.AsSpan();
        if (start) result = spaces ? result.TrimStart() : result.TrimStart(characters);
        if (end) result = spaces ? result.TrimEnd() : result.TrimEnd(characters);
        return !spaces && characters.IsEmpty ? text : result.ToString();
    }

    private static Sequence Split(string text, Arguments a)
    {
        var p = a.Bind(("separator", null), ("maxsplit", -1L));
        long most = a.Whole(p[1]);
        if (p[0] is null)
        {
            if (most >= 0) throw a.Place.Unsupported("'split' at white space with maxsplit", ["a separator"]);
            return new([.. text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)]);
        }
        string separator = a.Text(p[0]);
        if (separator.Length == 0) throw a.Place.Wrong("'split' at an empty text.");
        return new([.. most < 0 ? text.Split(separator) : text.Split(separator, (int)Math.Min(most, int.MaxValue - 1) + 1)]);
    }
}
