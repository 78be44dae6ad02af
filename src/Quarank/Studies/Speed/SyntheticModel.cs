using System.Text.Json;
using System.Text.Json.Nodes;
using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Pipeline;

namespace Quarank.Studies.Speed;

/// <summary>A model of some shape and form whose weights are random: to measure speed and memory, it says nothing. Read by the loader of all models.</summary>
/// <param name="form">Of the blocks' linear layers.</param>
/// <param name="head">Of the head.</param>
/// <param name="tied">The embedding is the head, in the head's form; else it has half floats of its own.</param>
public sealed class SyntheticModel(SyntheticShape shape, SyntheticForm form, SyntheticForm head, bool tied = false)
{
    private const string Embedding = "model.embed_tokens", Head = "lm_head";
    private const ulong Seed = 1;

    public SyntheticForm Form => form;

    private string HeadName => tied ? Embedding : Head;

    /// <summary>Writes the folder, one piece of a tensor in memory at a time; whole or not at all.</summary>
    /// <param name="smallFilesFrom">A folder whose tokenizer goes with the model; null for none, which is all that speed needs.</param>
    /// <exception cref="IOException">Something is at that path, the disk is full, or the place cannot be written.</exception>
    /// <exception cref="ArgumentException">The layers cannot be stored in that form.</exception>
    public void Write(string folder, string? smallFilesFrom = null, CancellationToken cancel = default)
    {
        var config = shape.Config(tied);
        var spec = ModelSpec.Read(config);
        var formats = Formats(spec);
        new CheckpointWriter(config, Tensors(spec, formats)) { Section = Section(formats), FilesFrom = smallFilesFrom }.Write(folder, cancel);
    }

    private Dictionary<string, LinearFormat> Formats(ModelSpec spec)
    {
        var shapes = Plan.Shapes(spec);
        var formats = shapes.ToDictionary(s => s.Name, s => form.Of(s, shapes), StringComparer.Ordinal);
        var place = new LayerShape(Head, spec.VocabularySize, spec.HiddenSize);
        formats.Add(HeadName, head.Of(place, [place]));
        return formats;
    }

    private IEnumerable<StoredTensor> Tensors(ModelSpec spec, Dictionary<string, LinearFormat> formats)
    {
        var layers = new SyntheticLayer(form.Type, Seed);
        var halves = new SyntheticLayer(ElementType.F16, Seed);
        if (!tied) yield return halves.Dense($"{Embedding}.weight", 1, spec.VocabularySize, spec.HiddenSize);
        for (int i = 0; i < spec.BlockCount; i++)
        {
            yield return Norm($"model.layers.{i}.input_layernorm");
            yield return Norm($"model.layers.{i}.post_attention_layernorm");
            foreach (var p in spec.Projections(i))
                foreach (var tensor in layers.Tensors(p.Name, formats[p.Name], p.Rows, p.Columns)) yield return tensor;
        }
        yield return Norm("model.norm");
        foreach (var tensor in new SyntheticLayer(head.Type, Seed).Tensors(HeadName, formats[HeadName], spec.VocabularySize, spec.HiddenSize)) yield return tensor;

        StoredTensor Norm(string name) => halves.Numbers($"{name}.weight", ElementType.F16, [spec.HiddenSize], 0.9, 1.1);
    }

    private static JsonObject? Section(Dictionary<string, LinearFormat> formats)
    {
        var packed = formats.Where(f => f.Value is not DenseFormat)
            .Select(f => KeyValuePair.Create(f.Key, JsonSerializer.SerializeToNode(f.Value, RecipeJson.Options))).ToList();
        return packed.Count == 0 ? null : new JsonObject { ["version"] = 1, ["layers"] = new JsonObject(packed) };
    }
}
