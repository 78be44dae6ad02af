using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Layers;

namespace Quarank.Models;

/// <summary>Builds the parts of a model from a checkpoint's tensors.</summary>
internal sealed class ModelLoader(StoredTensors tensors, JsonElement config, ModelSpec spec)
{
    private readonly LayerTable _layers = LayerTable.Read(config, spec);

    public ModelLoader(Checkpoint checkpoint, ModelSpec spec) : this(checkpoint.Tensors, checkpoint.Config, spec) { }

    public Block Block(int index, ForwardBuffers buffers)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, spec.BlockCount);
        string name = ModelSpec.BlockName(index);
        return new Block(spec, index, Norm($"{name}.input_layernorm"), Norm($"{name}.post_attention_layernorm"),
            [.. spec.Projections(index).Select(Projection)], buffers);
    }

    public Embedding Embedding() => new(Table("model.embed_tokens"));

    public Head Head(Embedding embedding) => new(Norm("model.norm"), spec.TiedHead ? embedding.Table : Table("lm_head"));

    private Projection Projection(ProjectionSpec place) => new(place, _layers.Load(tensors, place),
        place.HasBias ? tensors.ReadVector($"{place.Name}.bias", place.Rows) : null);

    private Linear Table(string name) => new DenseFormat().Load(tensors.Under(name), spec.VocabularySize, spec.HiddenSize);

    private RmsNorm Norm(string name) => new(tensors.ReadVector($"{name}.weight", spec.HiddenSize), spec.NormEpsilon);
}
