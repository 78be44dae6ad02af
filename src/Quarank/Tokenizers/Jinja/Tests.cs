namespace Quarank.Tokenizers.Jinja;

/// <summary>The tests: value is name(…).</summary>
internal static class Tests
{
    private static readonly Dictionary<string, Func<object?, Arguments, bool>> All = new(StringComparer.Ordinal)
    {
        ["defined"] = (value, _) => value is not Undefined,
        ["undefined"] = (value, _) => value is Undefined,
        ["none"] = (value, _) => value is null,
        ["true"] = (value, _) => value is true,
        ["false"] = (value, _) => value is false,
        ["boolean"] = (value, _) => value is bool,
        ["string"] = (value, _) => value is string,
        ["number"] = (value, _) => value is bool or long or double,
        ["integer"] = (value, _) => value is long,
        ["float"] = (value, _) => value is double,
        ["mapping"] = (value, _) => value is Map,
        ["sequence"] = (value, _) => value is string or Sequence or Map or Undefined,
        ["iterable"] = (value, _) => value is string or Sequence or Map or Undefined,
        ["callable"] = (value, _) => value is Function,
        ["odd"] = (value, a) => a.Whole(value) % 2 != 0,
        ["even"] = (value, a) => a.Whole(value) % 2 == 0,
        ["in"] = (value, a) => Operators.Contains(Other(a), value, a.Place),
        ["eq"] = Equal,
        ["=="] = Equal,
        ["equalto"] = Equal,
        ["ne"] = (value, a) => !Equal(value, a),
        ["!="] = (value, a) => !Equal(value, a),
        ["lt"] = (value, a) => Operators.Compare(value, Other(a), a.Place) < 0,
        ["le"] = (value, a) => Operators.Compare(value, Other(a), a.Place) <= 0,
        ["gt"] = (value, a) => Operators.Compare(value, Other(a), a.Place) > 0,
        ["ge"] = (value, a) => Operators.Compare(value, Other(a), a.Place) >= 0,
    };

    /// <exception cref="NotSupportedException">There is no test of that name; the message lists them.</exception>
    public static Func<object?, Arguments, bool> Find(string name, Place place) =>
        All.TryGetValue(name, out var test) ? test : throw place.Unsupported($"the test '{name}'", All.Keys);

    private static bool Equal(object? value, Arguments a) => Operators.AreEqual(value, Other(a));

    private static object? Other(Arguments a) => a.Bind(("other", Arguments.Required))[0];
}
