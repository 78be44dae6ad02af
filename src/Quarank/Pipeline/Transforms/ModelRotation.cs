using System.Text.Json;
using System.Text.Json.Nodes;
using Quarank.Checkpoints;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Numerics.Hadamard;

namespace Quarank.Pipeline.Transforms;

/// <summary>A model's tensors and config, rewritten to the same function.</summary>
/// <param name="Config">config.json, its <c>quarank</c> section among it where the model has one.</param>
/// <param name="AddedBytes">What the new tensors take more than the old: a head that had been tied.</param>
public sealed record TransformedModel(StoredTensors Tensors, JsonElement Config, long AddedBytes)
{
    /// <summary>Whether a head that was the embedding's table now has one of its own.</summary>
    public bool UntiedHead { get; init; }

    /// <summary>Writes a model folder with the small files of <paramref name="original"/>.</summary>
    public void Write(string folder, Checkpoint original, CancellationToken cancel = default) =>
        new CheckpointWriter(Config, Tensors.All)
        {
            Section = Config.TryGetProperty("quarank", out var section) ? JsonNode.Parse(section.GetRawText()) : null,
            Metadata = original.Metadata,
            FilesFrom = original.Directory,
        }.Write(folder, cancel);
}

/// <summary>
/// QuaRot's rewriting of a model (spec §4.4): norm gains folded into the layers after them, the residual stream turned by a randomized Hadamard matrix,
/// values, the feed-forward part's inner vector and keys by exact ones. Of a model with layer norms everything that enters the stream is centred first, and shifts go into biases.
/// All in double, rounded once to the type that is stored.
/// </summary>
public static class ModelRotation
{
    /// <param name="type">What rewritten weights are stored as; null: as each was.</param>
    /// <exception cref="NotSupportedException">A model of this family cannot be rotated.</exception>
    /// <exception cref="InvalidDataException">The model is compressed, or rotated already.</exception>
    public static TransformedModel Rotate(StoredTensors tensors, JsonElement config, RotationSpec rotation, ElementType? type = null)
    {
        if (config.TryGetProperty("quarank", out _))
            throw new InvalidDataException("This model is compressed or rotated already; rotate the original.");
        var spec = ModelSpec.Of(config, tensors);
        if (RotationSpec.Refusal(spec) is { } reason) throw new NotSupportedException($"{spec.Architecture} cannot be rotated: {reason}.");
        if (config.TryGetProperty("text_config", out _))
            throw new NotSupportedException($"{spec.Architecture} cannot be rotated: its config describes a text model inside another.");

        rotation = rotation with { Centred = spec.Norm == NormKind.Layer };
        var steps = new RotationSteps(spec, rotation, tensors);
        var turned = new StoredTensors();
        string headName = $"{spec.Names.Head}.weight";     // some files hold a tied head too
        foreach (var tensor in tensors.All)
            if ((!spec.TiedHead || tensor.Name != headName) && !steps.LeavesOut(tensor.Name)) turned.Add(tensor.Name, Turned(tensor, steps.Of(tensor.Name), type));
        long added = 0;
        if (spec.TiedHead)
        {
            var head = Turned(tensors[$"{spec.Names.Embedding}.weight"], steps.Of(headName), type);
            turned.Add(headName, head);
            added = head.ByteLength;
        }
        return new(turned, Described(config, rotation), added) { UntiedHead = spec.TiedHead };
    }

    private static JsonElement Described(JsonElement config, RotationSpec rotation)
    {
        var described = JsonObject.Create(config)!;
        described["tie_word_embeddings"] = false;
        var section = new JsonObject { ["seed"] = rotation.Seed, ["values"] = rotation.Values, ["down"] = rotation.Down, ["keys"] = rotation.Keys };
        if (rotation.Centred) section["centred"] = true;
        described["quarank"] = new JsonObject { ["version"] = rotation.Version, ["rotation"] = section, ["layers"] = new JsonObject() };
        return JsonSerializer.SerializeToElement(described);
    }

    private static StoredTensor Turned(StoredTensor tensor, RotationStep? step, ElementType? type) => step is null ? tensor
        : new MadeTensor(tensor.Name, type ?? tensor.Type, [.. tensor.Shape], (first, count) => step.Run(tensor, first, count));
}
