using System.Text;

namespace Quarank.Tokenizers.Jinja;

/// <summary>How a template goes on after a statement: with the next one, or out of the loop's turn.</summary>
internal enum Flow
{
    Next,
    Continue,
    Break,
}

/// <summary>A part of a template that writes or sets something.</summary>
internal abstract class Statement
{
    public abstract Flow Render(Scope scope, StringBuilder text);
}

internal sealed class TextStatement(string content) : Statement
{
    public override Flow Render(Scope scope, StringBuilder text)
    {
        text.Append(content);
        return Flow.Next;
    }
}

/// <summary>{{ value }}.</summary>
internal sealed class Output(Expression value) : Statement
{
    public override Flow Render(Scope scope, StringBuilder text)
    {
        text.Append(Written.Text(value.Evaluate(scope)));
        return Flow.Next;
    }
}

/// <summary>Statements one after another.</summary>
internal sealed class Body(IReadOnlyList<Statement> statements) : Statement
{
    public override Flow Render(Scope scope, StringBuilder text)
    {
        foreach (var statement in statements)
            if (statement.Render(scope, text) is var flow and not Flow.Next) return flow;
        return Flow.Next;
    }

    public string Render(Scope scope)
    {
        var text = new StringBuilder();
        Render(scope, text);
        return text.ToString();
    }
}

/// <summary>{% if %} … {% elif %} … {% else %} … {% endif %}; an else is a branch without condition.</summary>
internal sealed class If(IReadOnlyList<(Expression? Condition, Body Body)> branches) : Statement
{
    public override Flow Render(Scope scope, StringBuilder text)
    {
        foreach (var (condition, body) in branches)
            if (condition is null || Operators.IsTrue(condition.Evaluate(scope))) return body.Render(scope, text);
        return Flow.Next;
    }
}

/// <summary>{% break %} and {% continue %}.</summary>
internal sealed class Leave(Flow flow) : Statement
{
    public override Flow Render(Scope scope, StringBuilder text) => flow;
}

/// <summary>{% set a, b = value %}, or {% set a %} … {% endset %}, whose value is what is between.</summary>
internal sealed class Set(Place place, IReadOnlyList<string> names, string? member, Func<Scope, object?> value) : Statement
{
    public override Flow Render(Scope scope, StringBuilder text)
    {
        object? given = value(scope);
        if (member is null) Assign(scope, names, given, place);
        else if (scope.Find(names[0]) is Namespace space) space.Members[member] = given;
        else throw place.Wrong($"only members of a namespace can be set, and '{names[0]}' is none.");
        return Flow.Next;
    }

    /// <summary>One name takes the value, several take its items.</summary>
    public static void Assign(Scope scope, IReadOnlyList<string> names, object? value, Place place)
    {
        if (names.Count == 1)
        {
            scope.Set(names[0], value);
            return;
        }
        var items = Operators.Items(value, place);
        if (items.Count != names.Count)
            throw place.Wrong($"{names.Count} names for {items.Count} values.");
        for (int i = 0; i < names.Count; i++) scope.Set(names[i], items[i]);
    }
}

/// <summary>{% macro name(parameter, parameter=default) %} … {% endmacro %}.</summary>
internal sealed class Macro(string name, IReadOnlyList<(string Name, Expression? Default)> parameters, Body body) : Statement
{
    private static readonly object Absent = new();

    public override Flow Render(Scope scope, StringBuilder text)
    {
        scope.Set(name, new Function(name, given => scope.Call(given.Place, inner => Expand(inner, given))));
        return Flow.Next;
    }

    private string Expand(Scope scope, Arguments given)
    {
        object?[] values = given.Bind([.. parameters.Select(p => (p.Name, (object?)Absent))]);
        for (int i = 0; i < values.Length; i++)
        {
            var (parameter, whenAbsent) = parameters[i];
            scope.Set(parameter, !ReferenceEquals(values[i], Absent) ? values[i]
                : whenAbsent is null ? new Undefined($"'{parameter}'") : whenAbsent.Evaluate(scope));
        }
        return body.Render(scope);
    }
}
