using System.Text.Json;
using System.Text.Json.Serialization;
using Quarank.Checkpoints;
using Quarank.Layers;

namespace Quarank.Models;

/// <summary>
/// How each linear layer of a checkpoint is stored: <c>quarank.layers</c> of config.json names the compressed ones and their
/// form; all others are dense.
/// </summary>
internal sealed class LayerTable
{
    /// <summary>2 has rotations, which a program of version 1 would leave out; 3 has those of centred models, which one of version 2 would give the wrong norms.</summary>
    private const int Version = 3;

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        AllowOutOfOrderMetadataProperties = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectRequiredConstructorParameters = true,
    };

    private readonly Dictionary<string, LinearFormat> _formats = new(StringComparer.Ordinal);

    private LayerTable() { }

    /// <summary>The names of the layers that are not plainly dense.</summary>
    public IReadOnlyCollection<string> Names => _formats.Keys;

    /// <exception cref="InvalidDataException">The section is malformed, or names a layer that the model does not have.</exception>
    /// <exception cref="NotSupportedException">It was written by a later version of the format.</exception>
    public static LayerTable Read(JsonElement config, ModelSpec spec)
    {
        var table = new LayerTable();
        if (!config.TryGetProperty("quarank", out var section)) return table;
        if (section.ValueKind != JsonValueKind.Object || !section.TryGetProperty("version", out var version) || !version.TryGetInt32(out int v))
            throw new InvalidDataException("config.json: 'quarank' must be an object with an integer 'version'.");
        if (v is < 1 or > Version)
            throw new NotSupportedException($"config.json: 'quarank' has version {v}; this program reads versions 1 to {Version}. Use a newer one.");
        if (v == 1 && section.TryGetProperty("rotation", out _))
            throw new InvalidDataException("config.json: 'quarank' has version 1 and a 'rotation', which version 2 brought.");
        if (v < 3 && spec.Rotation is { Centred: true })
            throw new InvalidDataException($"config.json: 'quarank' has version {v} and a centred rotation, which version 3 brought.");
        if (!section.TryGetProperty("layers", out var layers) || layers.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException("config.json: 'quarank.layers' must be an object of layer names and forms.");

        var known = Enumerable.Range(0, spec.BlockCount).SelectMany(spec.Projections).Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
        known.Add(spec.Names.Embedding);
        if (!spec.TiedHead) known.Add(spec.Names.Head);
        foreach (var layer in layers.EnumerateObject())
        {
            if (!known.Contains(layer.Name)) throw new InvalidDataException($"config.json: 'quarank.layers' names '{layer.Name}', which is no layer of this model.");
            if (!table._formats.TryAdd(layer.Name, ReadFormat(layer))) throw new InvalidDataException($"config.json: 'quarank.layers' names '{layer.Name}' twice.");
        }
        return table;
    }

    /// <summary>Whether config.json names compressed layers.</summary>
    public static bool IsCompressed(JsonElement config) => config.TryGetProperty("quarank", out var section)
        && (section.ValueKind != JsonValueKind.Object || !section.TryGetProperty("layers", out var layers) || layers.ValueKind != JsonValueKind.Object
            || layers.EnumerateObject().Any());

    /// <summary>The layer in the place <paramref name="projection"/>.</summary>
    public Linear Load(StoredTensors tensors, ProjectionSpec projection)
    {
        var format = _formats.GetValueOrDefault(projection.Name) ?? new DenseFormat();
        return format.Load(tensors.Under(projection.Name), projection.Rows, projection.Columns);
    }

    /// <summary>The embedding's or the head's table.</summary>
    public Linear LoadTable(StoredTensors tensors, string name, int rows, int columns) =>
        (_formats.GetValueOrDefault(name) ?? new DenseFormat()).Load(tensors.Under(name), rows, columns);

    private static LinearFormat ReadFormat(JsonProperty layer)
    {
        try
        {
            return layer.Value.Deserialize<LinearFormat>(Options) ?? throw new JsonException("null is no form.");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new InvalidDataException($"config.json: the form of '{layer.Name}' cannot be read: {e.Message}", e);
        }
    }
}
