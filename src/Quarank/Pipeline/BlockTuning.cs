using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Compression.Learning;
using Quarank.Compression.Learning.Tuning;
using Quarank.Layers;
using Quarank.Models;

namespace Quarank.Pipeline;

/// <summary>Tunes the numbers of a block's compressed layers, and its norms, on what the block gives.</summary>
internal sealed class BlockTuning(ModelSpec spec, TuningSettings settings, StoredTensors tensors)
{
    /// <summary>What is tuned of a block in one round.</summary>
    /// <param name="Layers">The projections whose weights move.</param>
    internal sealed record Round(SequenceProblem Problem, IReadOnlyList<Projection> Layers, IReadOnlyList<NormVector> Norms, Func<LearningTask> Begin);

    /// <param name="compressed">Layers that are compressed by now.</param>
    /// <param name="rest">Layers that are not, and move as they are.</param>
    public Round Open(Block block, IReadOnlyList<Projection> compressed, IReadOnlyList<Projection> rest, HiddenStates inputs, HiddenStates targets, int seed)
    {
        // A layer that a method kept as it was stays as it was.
        Projection[] layers = [.. compressed.Where(p => p.Weight is not DenseLinear), .. rest];
        var norms = BlockNorms.Of(spec, block);
        int[] places = [.. layers.Select(p => block.Projections.ToList().IndexOf(p))];
        // Only names and sizes are asked of these problems.
        LayerProblem[] problems = [.. layers.Select(p => new LayerProblem(p.Name, new(0, 0), new(0, new(0, 0))))];
        var problem = new SequenceProblem(spec, block, places, problems, inputs, targets, settings.Learning, [.. norms.Select(n => n.Parameter)]);
        return new(problem, layers, norms, () => Begin(layers, norms, seed));
    }

    /// <summary>Puts what was learned in its place.</summary>
    public static void Close(Round round, LearningTask task, LearnedBlock learned)
    {
        for (int l = 0; l < round.Layers.Count; l++) round.Layers[l].Weight = learned.Layers[l];
        foreach (var (norm, part) in round.Norms.Zip(task.Parts.OfType<TunedVector>())) part.ToStored().CopyTo(norm.Values, 0);
    }

    /// <summary>The block's norms as they are stored.</summary>
    public IEnumerable<StoredTensor> Vectors(Block block) => BlockNorms.Of(spec, block).Select(n => n.ToStored(tensors[n.Tensor])).OfType<StoredTensor>();

    private LearningTask Begin(IReadOnlyList<Projection> layers, IReadOnlyList<NormVector> norms, int seed)
    {
        double rate = settings.Learning.Rate ?? TuningSettings.DefaultRate;
        var tuned = layers.Select(p => new TunedLayer(p.Weight is DenseLinear ? p.Weight : settings.Prepare(p.Weight), settings.FactorRate / rate)).ToList();
        LearnedPart[] parts = [.. tuned, .. norms.Select(n => new TunedVector((float[])n.Values.Clone(), v => n.Rounded(v, tensors[n.Tensor].Type)))];
        return new(parts, [.. parts.Select(_ => rate)], settings.Learning, tuned.Sum(t => t.Count) + norms.Sum(n => n.Values.Length), seed);
    }
}
