namespace Quarank.Tokenizers.Jinja;

/// <summary>A part of a template that has a value.</summary>
internal abstract class Expression(Place place)
{
    public Place Place => place;

    public abstract object? Evaluate(Scope scope);
}

internal sealed class Literal(Place place, object? value) : Expression(place)
{
    public object? Value => value;

    public override object? Evaluate(Scope scope) => value;
}

internal sealed class Name(Place place, string name) : Expression(place)
{
    public string Text => name;

    public override object? Evaluate(Scope scope) => scope.Find(name);
}

/// <summary>[a, b] or (a, b).</summary>
internal sealed class ListOf(Place place, IReadOnlyList<Expression> items, bool isTuple) : Expression(place)
{
    public override object? Evaluate(Scope scope) => new Sequence([.. items.Select(i => i.Evaluate(scope))], isTuple);
}

/// <summary>{"a": b}.</summary>
internal sealed class MapOf(Place place, IReadOnlyList<(Expression Key, Expression Value)> members) : Expression(place)
{
    public override object? Evaluate(Scope scope)
    {
        var map = new Map();
        foreach (var (key, value) in members)
        {
            map[key.Evaluate(scope) as string ?? throw key.Place.Unsupported("a key that is no text", ["text"])] = value.Evaluate(scope);
        }
        return map;
    }
}

/// <summary>a if condition else b; without else it is undefined.</summary>
internal sealed class Choice(Place place, Expression condition, Expression then, Expression? otherwise) : Expression(place)
{
    public override object? Evaluate(Scope scope) =>
        Operators.IsTrue(condition.Evaluate(scope)) ? then.Evaluate(scope)
        : otherwise is null ? new Undefined("an if without else") : otherwise.Evaluate(scope);
}

/// <summary>a and b, a or b: the value of the side that decides.</summary>
internal sealed class Logical(Place place, Expression left, Expression right, bool and) : Expression(place)
{
    public override object? Evaluate(Scope scope)
    {
        object? value = left.Evaluate(scope);
        return Operators.IsTrue(value) == and ? right.Evaluate(scope) : value;
    }
}

internal sealed class Not(Place place, Expression inner) : Expression(place)
{
    public override object? Evaluate(Scope scope) => !Operators.IsTrue(inner.Evaluate(scope));
}

internal sealed class Negative(Place place, Expression inner) : Expression(place)
{
    public override object? Evaluate(Scope scope) => Operators.Negate(inner.Evaluate(scope), Place);
}

/// <summary>a + b and the like.</summary>
internal sealed class Calculation(Place place, string op, Expression left, Expression right) : Expression(place)
{
    public override object? Evaluate(Scope scope) => Operators.Calculate(op, left.Evaluate(scope), right.Evaluate(scope), Place);
}

/// <summary>a &lt; b &lt;= c: each with the next, as in Python.</summary>
internal sealed class Comparison(Place place, Expression first, IReadOnlyList<(string Op, Expression Next)> rest) : Expression(place)
{
    public override object? Evaluate(Scope scope)
    {
        object? left = first.Evaluate(scope);
        foreach (var (op, next) in rest)
        {
            object? right = next.Evaluate(scope);
            if (!Holds(op, left, right)) return false;
            left = right;
        }
        return true;
    }

    private bool Holds(string op, object? a, object? b) => op switch
    {
        "==" => Operators.AreEqual(a, b),
        "!=" => !Operators.AreEqual(a, b),
        "in" => Operators.Contains(b, a, Place),
        "not in" => !Operators.Contains(b, a, Place),
        "<" => Operators.Compare(a, b, Place) < 0,
        "<=" => Operators.Compare(a, b, Place) <= 0,
        ">" => Operators.Compare(a, b, Place) > 0,
        _ => Operators.Compare(a, b, Place) >= 0,
    };
}
