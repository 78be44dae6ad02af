namespace Quarank.Checkpoints;

/// <summary>Named tensors; <see cref="Under"/> narrows to those of one layer.</summary>
public sealed class StoredTensors(IDictionary<string, StoredTensor> all, string prefix = "")
{
    public string Prefix => prefix;

    public StoredTensors Under(string name) => new(all, $"{prefix}{name}.");

    public StoredTensor this[string name] =>
        all.TryGetValue(prefix + name, out var t) ? t : throw new InvalidDataException($"Tensor '{prefix + name}' is missing from the checkpoint.");

    public bool Contains(string name) => all.ContainsKey(prefix + name);
}
