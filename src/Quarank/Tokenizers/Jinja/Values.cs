namespace Quarank.Tokenizers.Jinja;

// Values of templates: null (none), bool, long, double, string, and these.

/// <summary>A list, or a tuple, which differs only in how it is written out.</summary>
internal sealed record Sequence(IReadOnlyList<object?> Items, bool IsTuple = false);

/// <summary>A dictionary in the order of its keys' arrival.</summary>
internal sealed class Map : OrderedDictionary<string, object?>
{
    public Map() : base(StringComparer.Ordinal) { }

    public Map(IEnumerable<KeyValuePair<string, object?>> members) : base(members, StringComparer.Ordinal) { }

    public Sequence Pairs() => new([.. this.Select(m => new Sequence([m.Key, m.Value], IsTuple: true))]);
}

/// <summary>What <c>namespace(…)</c> makes: its members can be set from inside a loop.</summary>
internal sealed class Namespace(IReadOnlyDictionary<string, object?> members)
{
    public Dictionary<string, object?> Members { get; } = new(members, StringComparer.Ordinal);
}

/// <summary>A name, member or item that is not there: written as nothing, false, and of no further members.</summary>
internal sealed record Undefined(string What);

/// <summary>Something that can be called.</summary>
internal sealed record Function(string Name, Func<Arguments, object?> Call);
