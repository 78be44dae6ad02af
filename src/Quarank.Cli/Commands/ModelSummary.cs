using System.Text.Json.Serialization;
using Quarank.Checkpoints;
using Quarank.Cli.Console;
using Quarank.Compression.Methods;
using Quarank.Models;
using Quarank.Pipeline;
using Quarank.Tokenizers;

namespace Quarank.Cli.Commands;

/// <summary>What <c>inspect</c> tells.</summary>
/// <param name="Parameters">Numbers the model stands for, however they are stored; a tied head counts once.</param>
/// <param name="FileBytes">All weight files.</param>
/// <param name="TensorBytes">All tensors by number type.</param>
/// <param name="BitsPerWeight">Of the compressed layers; null when none is.</param>
internal sealed record ModelSummary(
    string Path, string Architecture, int Blocks, int HiddenSize, int IntermediateSize, int Heads, int KeyValueHeads,
        int HeadSize, int ContextLength,
    int VocabularySize, bool TiedHead, long Parameters, [property: JsonPropertyName("dtype")] string? DType, long FileBytes,
        IReadOnlyDictionary<string, long> TensorBytes, TokenizerSummary? Tokenizer,
    int LinearLayers, [property: JsonPropertyName("compressedLayers")] int CompressedLayerCount, double? BitsPerWeight)
{
    /// <summary>How each linear layer is stored.</summary>
    [JsonIgnore] public IReadOnlyList<LayerStorage> Storage { get; init; } = [];

    /// <summary>How embedding and head are stored.</summary>
    [JsonIgnore] public IReadOnlyList<LayerStorage> TableStorage { get; init; } = [];

    public IReadOnlyList<object> Layers => [.. Storage.Select(ForScripts)];

    /// <summary>Embedding and head; one where they are tied.</summary>
    public IReadOnlyList<object> Tables => [.. TableStorage.Select(ForScripts)];

    /// <summary>Of the compressed layers, the embedding and the head together; null when no layer is compressed.</summary>
    public double? BitsPerWeightWithTables => CompressedLayerCount == 0 ? null
        : CompressedLayers.BitsPerWeight([.. Storage.Where(l => l.IsCompressed)], TableStorage);

    /// <summary>In what the model differs from a plain Llama, by topic.</summary>
    public IReadOnlyDictionary<string, string> Facts { get; init; } = new Dictionary<string, string>();

    /// <summary>What generating takes, keys and values in half floats.</summary>
    public required RunMemory Memory { get; init; }

    /// <summary>The peak of a compression with LoRDQ at 2 bits and what else is usual; null when the model is compressed already or too small for it.</summary>
    public long? CompressPeakBytes { get; init; }

    public static ModelSummary Of(Checkpoint checkpoint)
    {
        var spec = ModelSpec.Of(checkpoint);
        var layers = CompressedLayers.Of(checkpoint, spec);
        var tables = CompressedLayers.TablesOf(checkpoint, spec);
        var inLayers = layers.Concat(tables).SelectMany(l => l.Tensors).Select(t => t.Name).ToHashSet(StringComparer.Ordinal);
        long parameters = layers.Concat(tables).Sum(l => l.Weights)
            + checkpoint.Tensors.All.Where(t => !inLayers.Contains(t.Name)).Sum(t => t.Count);
        int compressed = layers.Count(l => l.IsCompressed);
        return new(checkpoint.Path, spec.Architecture, spec.BlockCount, spec.HiddenSize, spec.IntermediateSize, spec.HeadCount,
            spec.KeyValueHeadCount,
            spec.HeadSize, spec.ContextLength, spec.VocabularySize, spec.TiedHead, parameters, spec.Type?.ToString(),
                checkpoint.FileBytes,
            checkpoint.Tensors.All.GroupBy(t => t.Type.ToString()).ToDictionary(g => g.Key, g => g.Sum(t => t.ByteLength)),
            TokenizerSummary.Of(checkpoint.Directory), layers.Count, compressed, compressed == 0 ? null
                : CompressedLayers.BitsPerWeight(layers))
        { Storage = layers, TableStorage = tables, Facts = FamilyFacts.Of(spec), Memory = RunMemory.Of(checkpoint, spec, InferenceSettings.Fast.Cache), CompressPeakBytes = PeakOf(checkpoint, spec) };
    }

    private static long? PeakOf(Checkpoint checkpoint, ModelSpec spec)
    {
        if (checkpoint.Config.TryGetProperty("quarank", out _)) return null;
        var calibration = new CalibrationSettings(["any"]);
        try
        {
            return Plan.Of(checkpoint, spec, new(new Lordq(), calibration with { Length = Math.Min(calibration.Length, spec.ContextLength) })).PeakMemoryBytes;
        }
        catch (Exception e) when (e is ArgumentException or InvalidDataException)
        {
            return null;   // layers too small for that budget
        }
    }

    public IEnumerable<(string Name, string Value)> Pairs() =>
    [
        ("model", Path),
        ("architecture", Architecture),
        ("blocks", Units.Count(Blocks)),
        ("hidden", Units.Invariant($"{HiddenSize:N0}, feed-forward {IntermediateSize:N0}")),
        ("heads", Units.Invariant(
            $"{Heads} of {HeadSize}{(KeyValueHeads == Heads ? "" : $", {KeyValueHeads} for keys and values")}")),
        .. Facts.Select(f => (f.Key, f.Value)),
        ("context", $"{Units.Count(ContextLength)} tokens"),
        ("vocabulary", $"{Units.Count(VocabularySize)}{(TiedHead ? ", head tied to the embedding" : "")}"),
        ("tokenizer", Tokenizer?.ToString() ?? "none in the folder"),
        ("parameters", Parameters < 1_000_000 ? Units.Count(Parameters)
            : $"{Units.Count(Parameters)} ({Units.Roughly(Parameters)})"),
        ("dtype", DType ?? "not named in config.json"),
        ("weights", $"{Units.Bytes(FileBytes)} ({string.Join(", ", TensorBytes.OrderByDescending(t => t.Value).Select(t => $"{t.Key} {Units.Bytes(t.Value)}"))})"),
        ("compressed", CompressedLayerCount == 0 ? "nothing"
            : Units.Invariant($"{CompressedLayerCount} of {LinearLayers} linear layers, {BitsPerWeight:0.000} bits per weight ({BitsPerWeightWithTables:0.000} with embedding and head)")),
        ("memory to run", $"about {Units.Bytes(Memory.Total)}: weights {Units.Bytes(Memory.Weights)}, keys and values {Units.Bytes(Memory.CachePerThousand)} "
            + $"for 1,000 tokens ({Units.Bytes(Memory.CacheInFull)} for the whole context)"),
        .. CompressPeakBytes is { } peak ? [("to compress", $"about {Units.Bytes(peak)} with LoRDQ, 48 sequences of {Units.Count(Math.Min(2048, ContextLength))} tokens; --max-ram makes it less")]
            : Array.Empty<(string, string)>(),
        .. InferenceOptions.WithoutKernel(Storage.Select(l => (l.Format, l.Rows, l.Columns))) is { } slow
            ? [("in floats", $"{slow}: no packed kernel")] : Array.Empty<(string, string)>(),
    ];

    private static object ForScripts(LayerStorage layer) => new
    {
        layer.Name,
        layer.Rows,
        layer.Columns,
        Form = layer.Format,
        layer.Bytes,
        BitsPerWeight = 8.0 * layer.Bytes / layer.Weights,
    };
}
