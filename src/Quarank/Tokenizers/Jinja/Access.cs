namespace Quarank.Tokenizers.Jinja;

/// <summary>a.b: a method of a, else its item b.</summary>
internal sealed class Member(Place place, Expression owner, string name) : Expression(place)
{
    public override object? Evaluate(Scope scope)
    {
        object? value = owner.Evaluate(scope);
        return value switch
        {
            Undefined u => throw Place.Wrong($"{u.What} is not defined, so it has no '{name}'."),
            Namespace space => space.Members.TryGetValue(name, out object? member) ? member : Missing(),
            string or Map or Sequence when Methods.Find(value, name) is { } method => method,
            Map map => map.TryGetValue(name, out object? item) ? item : Missing(),
            string or Sequence when Methods.IsPythons(value, name) =>
                throw Place.Unsupported($"the method '{name}' of {Operators.Describe(value)}", Methods.Known(value)),
            _ => Missing(),
        };
    }

    private Undefined Missing() => new($"'{name}'");
}

/// <summary>a[b]: an item by its key or place.</summary>
internal sealed class Item(Place place, Expression owner, Expression key) : Expression(place)
{
    public override object? Evaluate(Scope scope)
    {
        object? value = owner.Evaluate(scope), at = key.Evaluate(scope);
        switch (value, at)
        {
            case (Undefined u, _): throw Place.Wrong($"{u.What} is not defined, so it has no items.");
            case (Map map, string name):
                return map.TryGetValue(name, out object? item) ? item : Methods.Find(map, name) ?? (object)new Undefined($"'{name}'");
            case (Namespace space, string name):
                return space.Members.TryGetValue(name, out object? member) ? member : new Undefined($"'{name}'");
            case (Sequence or string, long index):
                var items = Operators.Items(value, Place);
                if (index < 0) index += items.Count;
                return index >= 0 && index < items.Count ? items[(int)index] : new Undefined($"item {index}");
            case (Sequence or string, string name): return new Member(Place, new Literal(Place, value), name).Evaluate(scope);
            default: return new Undefined($"item {Written.Text(at)}");
        }
    }
}

/// <summary>a[from:to:step], as Python takes parts of lists and texts.</summary>
internal sealed class Slice(Place place, Expression owner, Expression? from, Expression? to, Expression? step) : Expression(place)
{
    public override object? Evaluate(Scope scope)
    {
        object? value = owner.Evaluate(scope);
        if (value is not (Sequence or string)) throw Place.Wrong($"{Operators.Describe(value)} has no parts.");
        var items = Operators.Items(value, Place);
        long by = Bound(step, scope) ?? 1, count = items.Count;
        if (by == 0) throw Place.Wrong("a part in steps of 0.");
        // Backwards the ends are one before the first and the last.
        long low = by > 0 ? 0 : -1, high = by > 0 ? count : count - 1;
        long start = Bound(from, scope) is { } f ? Math.Clamp(f < 0 ? f + count : f, low, high) : by > 0 ? low : high;
        long end = Bound(to, scope) is { } t ? Math.Clamp(t < 0 ? t + count : t, low, high) : by > 0 ? high : low;
        List<object?> part = [];
        for (long i = start; by > 0 ? i < end : i > end; i += by) part.Add(items[(int)i]);
        return value is string ? string.Concat(part) : new Sequence(part, ((Sequence)value).IsTuple);
    }

    private long? Bound(Expression? bound, Scope scope) => bound?.Evaluate(scope) switch
    {
        null => null,
        // Nobody means a part beyond this, and sums of such numbers stay exact.
        long number => Math.Clamp(number, int.MinValue, int.MaxValue),
        var other => throw Place.Wrong($"{Operators.Describe(other)} cannot bound a part."),
    };
}

/// <summary>What follows in parentheses: values in order and by name.</summary>
internal sealed record Given(IReadOnlyList<Expression> Positional, IReadOnlyList<(string Name, Expression Value)> Named)
{
    public static Given Nothing { get; } = new([], []);

    public Arguments Evaluate(Place place, string callee, Scope scope) => new(place, callee,
        [.. Positional.Select(p => p.Evaluate(scope))],
        Named.ToDictionary(n => n.Name, n => n.Value.Evaluate(scope), StringComparer.Ordinal));
}

internal sealed class Call(Place place, Expression callee, Given given) : Expression(place)
{
    public override object? Evaluate(Scope scope) => callee.Evaluate(scope) switch
    {
        Function f => f.Call(given.Evaluate(Place, f.Name, scope)),
        Undefined u when callee is Name => throw Place.Unsupported($"the function {u.What}", Functions.Known),
        Undefined u => throw Place.Wrong($"{u.What} is not defined and cannot be called."),
        var other => throw Place.Wrong($"{Operators.Describe(other)} cannot be called."),
    };
}

/// <summary>a | name(…).</summary>
internal sealed class Filtered(Place place, Expression value, string name, Given given) : Expression(place)
{
    private readonly Func<object?, Arguments, object?> _filter = Filters.Find(name, place);

    public override object? Evaluate(Scope scope) => _filter(value.Evaluate(scope), given.Evaluate(Place, name, scope));
}

/// <summary>a is name(…).</summary>
internal sealed class Tested(Place place, Expression value, string name, Given given) : Expression(place)
{
    private readonly Func<object?, Arguments, bool> _test = Tests.Find(name, place);

    public override object? Evaluate(Scope scope) => _test(value.Evaluate(scope), given.Evaluate(Place, name, scope));
}
