namespace Quarank.Checkpoints;

/// <summary>Named tensors; <see cref="Under"/> narrows to those of one layer. Views share the tensors: what is added to one is in all.</summary>
/// <param name="all">By full name.</param>
/// <param name="prefix">What this view puts before every name: empty, or ending in a dot.</param>
/// <param name="source">The file or folder that messages name.</param>
public sealed class StoredTensors(IDictionary<string, StoredTensor> all, string prefix = "", string source = "the checkpoint")
{
    /// <summary>An empty set, to be filled by <see cref="Add"/>.</summary>
    public StoredTensors() : this(new Dictionary<string, StoredTensor>(StringComparer.Ordinal)) { }

    public string Prefix => prefix;

    /// <summary>The names in this view, without its prefix, in ordinal order.</summary>
    public IReadOnlyList<string> Names =>
        [.. all.Keys.Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).Select(n => n[prefix.Length..]).Order(StringComparer.Ordinal)];

    /// <summary>The tensors in this view, in ordinal order of their names.</summary>
    public IEnumerable<StoredTensor> All => Names.Select(n => this[n]);

    public StoredTensors Under(string name) => new(all, $"{prefix}{name}.", source);

    /// <exception cref="InvalidDataException">There is no such tensor.</exception>
    public StoredTensor this[string name] => all.TryGetValue(prefix + name, out var tensor)
        ? tensor
        : throw new InvalidDataException($"Tensor {Quoted.Name(prefix + name)} is missing from {source}.");

    /// <summary>Whether there is any tensor in this view.</summary>
    public bool Any => all.Keys.Any(n => n.StartsWith(prefix, StringComparison.Ordinal));

    public bool Contains(string name) => all.ContainsKey(prefix + name);

    /// <summary>Adds a tensor, which takes this view's prefix and <paramref name="name"/> as its name.</summary>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public void Add(string name, StoredTensor tensor)
    {
        if (!all.TryAdd(prefix + name, tensor.Renamed(prefix + name)))
            throw new ArgumentException($"Tensor {Quoted.Name(prefix + name)} was added before.", nameof(name));
    }

    /// <summary>These tensors with others beside them, or in the place of those that have their names.</summary>
    /// <param name="others">By their own full names.</param>
    public StoredTensors With(IEnumerable<StoredTensor> others)
    {
        ArgumentNullException.ThrowIfNull(others);
        var merged = new Dictionary<string, StoredTensor>(all, StringComparer.Ordinal);
        foreach (var tensor in others) merged[tensor.Name] = tensor;
        return new(merged, prefix, source);
    }
}
