using System.Globalization;
using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Training;

namespace Quarank.Pipeline;

/// <summary>The peak of a run's memory, worked out from shapes before it begins, and the steps it takes to stay below a limit.</summary>
/// <param name="Lanes">Sequences that run through a block at once.</param>
/// <param name="LayersTogether">Layers are compressed side by side, a thread each; else one after the other, all threads on each.</param>
/// <param name="HiddenOnDisk">Hidden states of all sequences lie in a file between blocks.</param>
/// <param name="Hidden">Bytes of hidden states in memory.</param>
/// <param name="Activations">Bytes of intermediate matrices of the sequences at work, and of what input sites have read.</param>
/// <param name="Block">Bytes of a block's weights in floats.</param>
/// <param name="Grams">Bytes of a block's Gram matrices.</param>
/// <param name="Work">Bytes that the methods work in.</param>
/// <param name="Peak">Of the process, bytes.</param>
public sealed record MemoryPlan(
    int Lanes, bool LayersTogether, bool HiddenOnDisk, long Hidden, long Activations, long Block, long Grams, long Work, long Peak)
{
    // What the runtime, the BLAS library, the tokenizer and buffers of no great size come to; and what the collector lets lie, in parts of the rest.
    private const long Base = 400L << 20;
    private const double Lying = 0.1;

    /// <summary>
    /// The largest steps whose peak stays below <paramref name="limit"/>: all at once; hidden states on the disk; layers one by one; sequences
    /// one by one. None of it changes a result.
    /// </summary>
    /// <exception cref="InvalidDataException">The smallest steps take more.</exception>
    internal static MemoryPlan Of(Checkpoint checkpoint, ModelSpec spec, Recipe recipe, Assignment methods, long? limit)
    {
        int lanes = SequencePass.Lanes(spec, recipe.Calibration.Samples, recipe.Calibration.Length);
        MemoryPlan At(int lanes, bool together, bool disk) => Of(checkpoint, spec, recipe, methods, lanes, together, disk);
        MemoryPlan[] plans =
        [
            At(lanes, true, false), At(lanes, true, true), At(lanes, false, false), At(lanes, false, true), At(1, false, false), At(1, false, true),
        ];
        if (limit is null) return plans[0];
        return plans.FirstOrDefault(p => p.Peak <= limit) ?? throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture,
            $"{limit.Value / 1e9:0.##} GB of memory are too few: with hidden states on the disk and one sequence and one layer at a time the run still takes about {plans[^1].Peak / 1e9:0.##} GB. {plans[^1].Parts()}. Allow more, or shorten the sequences."));
    }

    /// <summary>What the steps are, in words; empty when nothing was made smaller.</summary>
    public IEnumerable<string> Words()
    {
        if (HiddenOnDisk) yield return "hidden states in a file";
        if (!LayersTogether) yield return "one layer at a time";
        if (!LayersTogether && Lanes == 1) yield return "one sequence at a time";
    }

    /// <summary>What the peak is made of, in words.</summary>
    public string Parts() =>
        $"Hidden states {Size(Hidden)}, activations of {Lanes} sequence{(Lanes == 1 ? "" : "s")} {Size(Activations)}, a block's weights {Size(Block)}, Gram matrices {Size(Grams)}, the methods' work {Size(Work)}";

    private static string Size(long bytes) =>
        FormattableString.Invariant(bytes < 1e8 ? (FormattableString)$"{bytes / 1e6:0} MB" : $"{bytes / 1e9:0.00} GB");

    private static MemoryPlan Of(Checkpoint checkpoint, ModelSpec spec, Recipe recipe, Assignment methods, int lanes, bool together, bool disk)
    {
        var (samples, length) = (recipe.Calibration.Samples, recipe.Calibration.Length);
        long hidden = 4L * (disk ? lanes : samples) * length * spec.HiddenSize;
        long activations = lanes * SequencePass.LaneBytes(spec, length);
        var projections = spec.Projections(0);
        long block = projections.Sum(p => 4L * p.Rows * p.Columns);
        var learning = recipe.Methods.Select(m => m.Learner).OfType<BlockMethod>().FirstOrDefault();
        if (recipe.Learns) hidden *= 2;     // the original model's too

        var weighting = recipe.Weighting();
        long oneGram = projections.GroupBy(p => p.Site).Sum(s => 8L * s.First().Columns * s.First().Columns);
        long grams = oneGram * weighting.Summed.Union(weighting.Wanted).Count();
        grams += 2 * oneGram * weighting.Summed.Count * weighting.Roundings.Count(r => !r.Grid.Static);
        long above = weighting.Summed.Contains(TokenWeights.Cut) ? oneGram : 0;
        long weighted = weighting.Summed.Count > 1 ? 4L * length * projections.Max(p => (long)p.Columns) : 0;

        // Of each block the layers that are at work at once, the largest ones; all others leave their results and their decoded weights.
        int atOnce = together ? Threads.Count : 1;
        long work = Enumerable.Range(0, spec.BlockCount).Max(i => spec.Projections(i)
            .Select(p => methods[p.Name].WorkBytes(p.Rows, p.Columns) + 4L * p.Rows * p.Columns).OrderDescending().Take(atOnce).Sum());
        if (weighting.Roundings.Count > 0) weighted += projections.Max(p => 4L * p.Columns * p.Columns + 12L * length * p.Columns);
        long observing = above + weighted, embedding = checkpoint.Tensors.All.Where(t => t.Name.Contains("embed")).Sum(t => 2 * t.ByteLength);
        if (learning is not null)
        {
            // All layers of a block are learned at once, beside a copy of the block that runs backward.
            long tokens = (long)Math.Min(learning.Learning.Batch, samples) * length;
            work += BlockGradient<float>.KeptBytes(spec, tokens, weighting.Roundings.Count > 0) + block + Enumerable.Range(0, spec.BlockCount).Max(i => spec.Projections(i)
                .Where(p => methods[p.Name].Learner is not null).Sum(p => methods[p.Name].WorkBytes(p.Rows, p.Columns)));
        }
        if (recipe.Tune is { } tune)
        {
            // Beside such a copy: a layer's units and its decoded weight, the gradient, and of each number (which takes at least 16 stored bits) six floats.
            long tokens = (long)Math.Min(tune.Learning.Batch, samples) * length;
            work += BlockGradient<float>.KeptBytes(spec, tokens, weighting.Roundings.Count > 0) + 2 * block + Enumerable.Range(0, spec.BlockCount).Max(i => spec.Projections(i)
                .Sum(p => 16L * p.Rows * p.Columns + 24L * (tune.Rest ? (long)p.Rows * p.Columns : methods[p.Name].PlannedBits(new(p.Name, p.Rows, p.Columns)) / 16)));
        }
        // Factors of channels: the block with them and its copy that runs backward, while the one before is still there.
        if (recipe.Methods.Any(m => m.Learner is OmniQuant { LearnsChannels: true })) work += 3 * block;
        // While a block runs as it is stored, its weights stand there decoded beside the stored ones.
        long during = together ? activations : 0;       // else let go before methods begin
        long peak = hidden + new[] { embedding, activations + block + grams + observing, during + block + grams + work, activations + 2 * block }.Max();
        peak = Base + (long)((1 + Lying) * peak);
        return new(lanes, together, disk, hidden, activations, block, grams, work, peak);
    }
}
