using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Cli.Console;
using Quarank.Layers;
using Quarank.Models;

namespace Quarank.Cli.Commands;

/// <summary>A linear layer, or a table of the vocabulary, as a checkpoint stores it.</summary>
/// <param name="Tensors">All of it but the bias.</param>
internal sealed record LayerStorage(string Name, int Rows, int Columns, LinearFormat Format, IReadOnlyList<StoredTensor> Tensors)
{
    public long Bytes => Tensors.Sum(t => t.ByteLength);
    public long Weights => (long)Rows * Columns;
    public bool IsCompressed => Format is not DenseFormat;

    /// <summary>The last part of the name: q_proj, down_proj, lm_head.</summary>
    public string Kind => Name[(Name.LastIndexOf('.') + 1)..];
}

/// <summary>What the linear layers of a checkpoint take, read from its headers alone.</summary>
internal static class CompressedLayers
{
    /// <summary>The blocks' layers.</summary>
    public static IReadOnlyList<LayerStorage> Of(Checkpoint checkpoint, ModelSpec spec) =>
        Of(checkpoint, Enumerable.Range(0, spec.BlockCount).SelectMany(spec.Projections).Select(p => (p.Name, p.Rows, p.Columns)));

    /// <summary>Embedding and head; one where they are tied.</summary>
    public static IReadOnlyList<LayerStorage> TablesOf(Checkpoint checkpoint, ModelSpec spec) =>
        Of(checkpoint, spec.TableNames.Select(n => (n, spec.VocabularySize, spec.TableWidth)));

    private static IReadOnlyList<LayerStorage> Of(Checkpoint checkpoint, IEnumerable<(string Name, int Rows, int Columns)> places)
    {
        var formats = new Dictionary<string, LinearFormat>(StringComparer.Ordinal);
        if (checkpoint.Config.TryGetProperty("quarank", out var section) && section.TryGetProperty("layers", out var layers))
            foreach (var layer in layers.EnumerateObject())
                formats[layer.Name] = layer.Value.Deserialize<LinearFormat>(JsonSerializerOptions.Web)
                    ?? throw new InvalidDataException($"{checkpoint.Path}: config.json gives no form for '{layer.Name}'.");
        return [.. places.Select(p => new LayerStorage(
            p.Name, p.Rows, p.Columns, formats.GetValueOrDefault(p.Name) ?? new DenseFormat(),
            checkpoint.Tensors.Under(p.Name).All.Where(t => t.Name != $"{p.Name}.bias").ToList()))];
    }

    /// <summary>Of the compressed layers together; of all linear layers when none is compressed.</summary>
    public static double BitsPerWeight(IReadOnlyList<LayerStorage> layers)
    {
        var counted = layers.Any(l => l.IsCompressed) ? layers.Where(l => l.IsCompressed).ToList() : layers;
        return 8.0 * counted.Sum(l => l.Bytes) / counted.Sum(l => l.Weights);
    }

    /// <summary>Of layers and tables together.</summary>
    public static double BitsPerWeight(IReadOnlyList<LayerStorage> layers, IReadOnlyList<LayerStorage> tables) =>
        8.0 * layers.Concat(tables).Sum(l => l.Bytes) / layers.Concat(tables).Sum(l => l.Weights);

    /// <summary>"dense, F16", "grid of 3 bits, groups of 64, zero-points", "product of rank 21, 4 bits x 4 bits".</summary>
    public static string Describe(LayerStorage layer) => layer.Format is DenseFormat
        ? $"dense, {string.Join(" and ", layer.Tensors.Select(t => t.Type).Distinct())}"
        : Describe(layer.Format);

    private static string Describe(LinearFormat format) => format switch
    {
        GridFormat g =>
            Units.Invariant(
            $"grid of {g.Bits} bits, {(g.GroupSize == 0 ? "whole rows" : $"groups of {g.GroupSize}")}{(g.Offset == GridOffset.None ? ", symmetric" : "")}"),
        ProductFormat p => Units.Invariant($"product of rank {p.Rank}, {Factor(p.Left)} x {Factor(p.Right)}"),
        CodebookFormat c => Units.Invariant($"codebook of {c.Bits} bits, {(c.GroupSize == 0 ? "whole rows" : $"groups of {c.GroupSize}")}"),
        QuantizedInputFormat q => Units.Invariant(
            $"{Describe(q.Inner)} on inputs of {q.Input.Bits} bits{(q.Input.GroupSize == 0 ? "" : $" in groups of {q.Input.GroupSize}")}{(q.Input.Static ? ", static" : "")}"),
        SumFormat s => string.Join(" + ", s.Terms.Select(Describe)),
        var other => other.ToString(),
    };

    private static string Factor(LinearFormat format) => format switch
    {
        GridFormat g => Units.Invariant($"{g.Bits} bits"),
        CodebookFormat c => Units.Invariant($"{c.Bits} bits"),
        _ => "16 bits",
    };
}
