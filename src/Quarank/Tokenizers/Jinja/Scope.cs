namespace Quarank.Tokenizers.Jinja;

/// <summary>The names of a template, a loop's turn or a macro's call: what is set here hides what is set outside.</summary>
internal sealed class Scope
{
    private const int DeepestCall = 50;

    private readonly Dictionary<string, object?> _values = new(StringComparer.Ordinal);
    private readonly Scope? _outer;
    private readonly Scope _template;
    private int _calls;

    public Scope(Scope? outer = null) => (_outer, _template) = (outer, outer?._template ?? this);

    public void Set(string name, object? value) => _values[name] = value;

    public object? Find(string name)
    {
        for (var scope = this; scope is not null; scope = scope._outer)
            if (scope._values.TryGetValue(name, out object? value)) return value;
        return new Undefined($"'{name}'");
    }

    /// <summary>Does what a call of a macro defined here does, with names of its own.</summary>
    /// <exception cref="InvalidDataException">Macros call one another without end.</exception>
    public T Call<T>(Place place, Func<Scope, T> body)
    {
        if (_template._calls == DeepestCall) throw place.Wrong($"macros call one another more than {DeepestCall} deep.");
        _template._calls++;
        try { return body(new(this)); }
        finally { _template._calls--; }
    }
}
