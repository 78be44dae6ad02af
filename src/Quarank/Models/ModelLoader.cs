using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Layers;

namespace Quarank.Models;

/// <summary>Builds the parts of a model from a checkpoint's tensors.</summary>
internal sealed class ModelLoader(StoredTensors tensors, JsonElement config, ModelSpec spec)
{
    private readonly LayerTable _layers = LayerTable.Read(config, spec);
    private readonly TensorNames _names = spec.Names;

    public ModelLoader(Checkpoint checkpoint, ModelSpec spec) : this(checkpoint.Tensors, checkpoint.Config, spec) { }

    public Block Block(int index, ForwardBuffers buffers)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, spec.BlockCount);
        string name = _names.Block(index);
        RefuseWhatWouldBeLeftOut(index);
        Projection[] projections = [.. spec.Projections(index).Select(Projection)];
        return new Block(spec, index, projections,
            SelfAttention(index, projections), Around($"{name}.{_names.AttentionNorm}", $"{name}.{_names.AttentionOutputNorm}"),
            FeedForward(name, projections), Around($"{name}.{_names.MlpNorm}", $"{name}.{_names.MlpOutputNorm}"), buffers);
    }

    public Embedding Embedding(Linear? table = null)
    {
        int width = spec.TableWidth;
        var positions = spec.PositionOffset is { } offset ? Table(_names.Positions, spec.ContextLength + offset, spec.HiddenSize) : null;
        return new(table ?? _layers.LoadTable(tensors, _names.Embedding, spec.VocabularySize, width), spec.EmbeddingScale,
            spec.EmbeddingSize is null ? null : Table(_names.ProjectIn, spec.HiddenSize, width), positions, spec.PositionOffset ?? 0);
    }

    public Head Head(Embedding embedding)
    {
        int width = spec.TableWidth;
        return new(FinalNorm(),
            spec.EmbeddingSize is null ? null : Table(_names.ProjectOut, width, spec.HiddenSize),
            spec.TiedHead ? embedding.Table : _layers.LoadTable(tensors, _names.Head, spec.VocabularySize, width), spec.LogitCap);
    }

    private Norm? FinalNorm() => !spec.FinalNorm ? null
        : spec.Rotation is not { Centred: true } rotation ? Norm(_names.FinalNorm, spec.HiddenSize)
        : new TurnedBackNorm(LayerNorm(_names.FinalNorm, spec.HiddenSize), rotation.Residual(spec));

    /// <summary>A tensor that the config gives no reason for would change the results if it were used: a bias, a norm, another projection.</summary>
    private void RefuseWhatWouldBeLeftOut(int index)
    {
        string name = _names.Block(index);
        var known = new HashSet<string>(spec.Projections(index).Select(p => p.Name), StringComparer.Ordinal);
        var biased = spec.Projections(index).Where(p => p.HasBias).Select(p => $"{p.Name}.bias").ToHashSet(StringComparer.Ordinal);
        string[] norms = [.. Norms(name).SelectMany(n => spec.Norm == NormKind.Layer ? [$"{n}.weight", $"{n}.bias"] : new[] { $"{n}.weight" })];
        foreach (string tensor in tensors.Under(name).Names.Select(n => $"{name}.{n}"))
        {
            if (norms.Contains(tensor) || biased.Contains(tensor) || tensor.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal)) continue;
            if (tensor.EndsWith(".bias", StringComparison.Ordinal) || !known.Any(k => tensor.StartsWith($"{k}.", StringComparison.Ordinal)))
                throw new InvalidDataException($"Tensor '{tensor}' has no place in {spec.Architecture} as config.json describes it; the model would run without it.");
        }
    }

    private IEnumerable<string> Norms(string block)
    {
        if (spec.NormWeights)
        {
            yield return $"{block}.{_names.AttentionNorm}";
            yield return $"{block}.{_names.MlpNorm}";
        }
        if (spec.NormPlacement == NormPlacement.BeforeAndAfter)
        {
            yield return $"{block}.{_names.AttentionOutputNorm}";
            yield return $"{block}.{_names.MlpOutputNorm}";
        }
        if (spec.NormalizeQueriesAndKeys)
        {
            yield return $"{block}.{_names.Attention}q_norm";
            yield return $"{block}.{_names.Attention}k_norm";
        }
        if (spec.ExpertCount > 0) yield return $"{block}.{_names.Mlp}{_names.Router}";
    }

    private SelfAttention SelfAttention(int block, Projection[] projections)
    {
        string name = $"{_names.Block(block)}.{_names.Attention}";
        var (query, key) = spec.NormalizeQueriesAndKeys
            ? (Norm($"{name}q_norm", spec.HeadSize), Norm($"{name}k_norm", spec.HeadSize)) : (null, null);
        return new(spec, At(projections, InputSite.Attention), At(projections, InputSite.AttentionOutput)[0],
            new AttentionTraits(spec.WindowOf(block), query, key));
    }

    private FeedForward FeedForward(string block, Projection[] projections) => spec.ExpertCount == 0
        ? Mlp(projections, null)
        : new Experts(spec, Table($"{block}.{_names.Mlp}{_names.Router}", spec.ExpertCount, spec.HiddenSize),
            [.. Enumerable.Range(0, spec.ExpertCount).Select(e => Mlp(projections, e))]);

    private Mlp Mlp(Projection[] projections, int? expert) =>
        new(spec, At(projections, new(SitePlace.Mlp, expert)), At(projections, new(SitePlace.MlpOutput, expert))[0], expert);

    private static Projection[] At(Projection[] projections, InputSite site) => [.. projections.Where(p => p.Site == site)];

    private Residual Around(string norm, string outputNorm) => spec.NormPlacement switch
    {
        NormPlacement.Before => new(Norm(norm, spec.HiddenSize), null, null),
        NormPlacement.BeforeAndAfter => new(Norm(norm, spec.HiddenSize), Turned(Norm(outputNorm, spec.HiddenSize)), null),
        _ => new(null, null, Norm(norm, spec.HiddenSize)),
    };

    // What the layer before such a norm gives is not turned; what enters the stream is.
    private Norm Turned(Norm norm) => spec.Rotation is { } rotation ? new TurnedNorm(norm, rotation.Residual(spec)) : norm;

    private Projection Projection(ProjectionSpec place) => new(place, _layers.Load(tensors, place),
        place.HasBias ? tensors.ReadVector($"{place.Name}.bias", place.Rows) : null);

    private DenseLinear Table(string name, int rows, int columns) => DenseLinear.Load(tensors[$"{name}.weight"], rows, columns);

    private Norm Norm(string name, int size)
    {
        if (spec.Norm == NormKind.Layer && !spec.NormWeights) return new LayerNorm(null, null, spec.NormEpsilon);
        if (spec.Norm == NormKind.Layer) return LayerNorm(name, size);
        float[] gain = tensors.ReadVector($"{name}.weight", size);
        if (spec.Norm == NormKind.RmsPlusOne)
            foreach (ref float g in gain.AsSpan()) g += 1;
        return new RmsNorm(gain, spec.NormEpsilon);
    }

    private LayerNorm LayerNorm(string name, int size) =>
        new(tensors.ReadVector($"{name}.weight", size), tensors.ReadVector($"{name}.bias", size), spec.NormEpsilon);
}
