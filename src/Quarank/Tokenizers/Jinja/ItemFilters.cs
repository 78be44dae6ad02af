namespace Quarank.Tokenizers.Jinja;

/// <summary>Filters that look at each item: map, select, reject, selectattr, rejectattr.</summary>
internal static class ItemFilters
{
    public static object? Map(object? value, Arguments a)
    {
        if (a.Positional.Count > 0)
        {
            var filter = Filters.Find(a.Text(a.Positional[0]), a.Place);
            var rest = Rest(a, 1, a.Text(a.Positional[0]));
            return new Sequence([.. a.Items(value).Select(item => filter(item, rest))]);
        }
        string name = a.Text(a.Bind(("attribute", Arguments.Required))[0]);
        return new Sequence([.. a.Items(value).Select(item => MemberOf(item, name, a.Place))]);
    }

    public static object? Select(object? value, Arguments a, bool keep)
    {
        var holds = Test(a, 0);
        return new Sequence([.. a.Items(value).Where(item => holds(item) == keep)]);
    }

    public static object? SelectByMember(object? value, Arguments a, bool keep)
    {
        if (a.Positional.Count == 0) throw a.Place.Wrong("the name of a member is missing.");
        string name = a.Text(a.Positional[0]);
        var holds = Test(a, 1);
        return new Sequence([.. a.Items(value).Where(item => holds(MemberOf(item, name, a.Place)) == keep)]);
    }

    // The name of a test and what it is given; without one, whether the value is true.
    private static Func<object?, bool> Test(Arguments a, int at)
    {
        if (a.Positional.Count <= at) return Operators.IsTrue;
        string name = a.Text(a.Positional[at]);
        var test = Tests.Find(name, a.Place);
        var rest = Rest(a, at + 1, name);
        return value => test(value, rest);
    }

    private static Arguments Rest(Arguments a, int from, string name) => new(a.Place, name, [.. a.Positional.Skip(from)], a.Named);

    private static object? MemberOf(object? item, string name, Place place)
    {
        foreach (string part in name.Split('.'))
            item = new Item(place, new Literal(place, item), new Literal(place, part)).Evaluate(new());
        return item;
    }
}
