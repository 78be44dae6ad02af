namespace Quarank.Tokenizers.Jinja;

/// <summary>What a function, filter or test is called with.</summary>
internal sealed class Arguments(
    Place place, string callee, IReadOnlyList<object?> positional, IReadOnlyDictionary<string, object?> named)
{
    /// <summary>In the place of a default: the caller must give this parameter.</summary>
    public static readonly object Required = new();

    public Place Place => place;

    public IReadOnlyList<object?> Positional => positional;

    public IReadOnlyDictionary<string, object?> Named => named;

    /// <summary>The values of the parameters in order; whatever has no parameter is refused by name.</summary>
    public object?[] Bind(params (string Name, object? Default)[] parameters)
    {
        if (positional.Count > parameters.Length)
            throw place.Unsupported($"'{callee}' with {positional.Count} values", Known());
        foreach (string name in named.Keys)
            if (!parameters.Any(p => p.Name == name)) throw place.Unsupported($"'{callee}' with {name}=", Known());
        var values = new object?[parameters.Length];
        for (int i = 0; i < values.Length; i++)
        {
            var (name, value) = parameters[i];
            values[i] = i < positional.Count ? positional[i] : named.TryGetValue(name, out object? given) ? given : value;
            if (ReferenceEquals(values[i], Required)) throw place.Wrong($"'{callee}' needs {name}.");
        }
        return values;

        IEnumerable<string> Known() => parameters.Select(p => p.Name).DefaultIfEmpty("no values");
    }

    /// <exception cref="InvalidDataException">The value is no string.</exception>
    public string Text(object? value) =>
        value as string ?? throw place.Wrong($"'{callee}' takes text, not {Operators.Describe(value)}.");

    /// <exception cref="InvalidDataException">The value is no whole number.</exception>
    public long Whole(object? value) => value switch
    {
        long number => number,
        bool flag => flag ? 1 : 0,
        _ => throw place.Wrong($"'{callee}' takes a whole number, not {Operators.Describe(value)}."),
    };

    /// <summary>The items of a list, tuple or dictionary (its keys), the characters of a text, nothing of what is not there.</summary>
    public IReadOnlyList<object?> Items(object? value) => Operators.Items(value, place);
}
