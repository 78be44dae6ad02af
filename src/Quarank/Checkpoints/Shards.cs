using System.Text.Json.Nodes;

namespace Quarank.Checkpoints;

/// <summary>Which tensors go to which weight file.</summary>
internal sealed class Shards
{
    private Shards(List<List<StoredTensor>> parts)
    {
        TotalBytes = parts.Sum(p => p.Sum(t => t.ByteLength));
        Files = [.. parts.Select((p, i) =>
            (parts.Count == 1 ? WeightFiles.Single : $"model-{i + 1:D5}-of-{parts.Count:D5}.safetensors", (IReadOnlyList<StoredTensor>)p))];
    }

    /// <summary>File names and their tensors.</summary>
    public IReadOnlyList<(string Name, IReadOnlyList<StoredTensor> Tensors)> Files { get; }

    /// <summary>The bytes of all tensors, headers not counted.</summary>
    public long TotalBytes { get; }

    /// <summary>model.safetensors.index.json; a single file has none.</summary>
    public JsonObject? Index => Files.Count == 1 ? null : new JsonObject
    {
        ["metadata"] = new JsonObject { ["total_size"] = TotalBytes },
        ["weight_map"] = new JsonObject(Files.SelectMany(f => f.Tensors.Select(t => (t.Name, File: f.Name)))
            .OrderBy(e => e.Name, StringComparer.Ordinal)
            .Select(e => KeyValuePair.Create(e.Name, (JsonNode?)e.File))),
    };

    /// <summary>Fills one shard after the other, in the given order.</summary>
    public static Shards Cut(IEnumerable<StoredTensor> tensors, long maxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBytes, 1);
        var parts = new List<List<StoredTensor>> { new() };
        var names = new HashSet<string>(StringComparer.Ordinal);
        long bytes = 0;
        foreach (var t in tensors)
        {
            if (!names.Add(t.Name)) throw new ArgumentException($"The name {Quoted.Name(t.Name)} is taken; tensors need names of their own.", nameof(tensors));
            if (parts[^1].Count > 0 && bytes > maxBytes - t.ByteLength)
            {
                parts.Add([]);
                bytes = 0;
            }
            parts[^1].Add(t);
            bytes += t.ByteLength;
        }
        return new(parts);
    }
}
