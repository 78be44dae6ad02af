using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Compression.Learning;
using Quarank.Compression.Methods;
using Quarank.Models;
using Quarank.Models.Scaling;
using Quarank.Numerics;
using Quarank.Pipeline.Transforms;

namespace Quarank.Pipeline;

/// <summary>
/// The places of a block where OmniQuant's factors of channels may stand: between a norm and the layers that read it, and between values and the output projection
/// (query heads that read one value head share its factors). Scales alone: shifts, which the paper adds for OPT, are not learned.
/// </summary>
internal sealed class BlockEquivalence(StoredTensors tensors, ModelSpec spec, Assignment methods)
{
    /// <summary>The folds all of whose layers learn channels; none for most methods.</summary>
    public IReadOnlyList<ScaleFold> FoldsOf(Block block)
    {
        var folds = new List<ScaleFold>();
        foreach (var site in block.Projections.GroupBy(p => p.Site))
            if (site.Key.Place != SitePlace.MlpOutput && site.All(p => Learns(p.Name)) && ScaleFold.Of(spec, block.Index, site.Key).Fold is { } fold
                && (fold.IsNorm || Learns(fold.Target))) folds.Add(fold);
        return folds;
    }

    /// <summary>SmoothQuant's factors, as they can be stored; channels that share one take their geometric mean.</summary>
    /// <param name="peaks">The largest magnitudes of what the sites read.</param>
    public float[] Start(Block block, ScaleFold fold, PeakCollector peaks)
    {
        Projection[] readers = [.. block.Projections.Where(p => p.Site == fold.Site)];
        double alpha = ((OmniQuant)methods[readers[0].Name].Learner!).Alpha;
        float[] channels = ModelSmoothing.Factors(peaks.Of(fold.Site, readers[0].Weight.Columns), [.. readers.Select(p => p.Weight.ToDense())], alpha);
        var (logs, counts) = (new double[fold.FactorCount], new int[fold.FactorCount]);
        for (int j = 0; j < channels.Length; j++)
        {
            logs[fold.FactorOf[j]] += Math.Log(channels[j]);
            counts[fold.FactorOf[j]]++;
        }
        return Settle(fold, [.. logs.Select((sum, k) => (float)Math.Exp(sum / counts[k]))]);
    }

    public static float[] Ones(ScaleFold fold)
    {
        var ones = new float[fold.FactorCount];
        Array.Fill(ones, 1);
        return ones;
    }

    /// <summary>Names of the norms' gains and shifts, and of the biases, that are divided.</summary>
    public IReadOnlyList<string> VectorsOf(Block block, IReadOnlyList<ScaleFold> folds) => [.. folds.SelectMany(f => f.IsNorm
        ? NormsOf(block, f).Select(n => n.Parameter)
        : block.Projections.First(p => p.Name == f.Target).Bias is null ? [] : new[] { $"{f.Target}.bias" })];

    /// <summary>What is learned of the block's layers and factors.</summary>
    /// <param name="block">With the factors it begins with folded.</param>
    /// <param name="learned">Its layers that are learned, as the problem has them; the vectors stand behind them.</param>
    /// <param name="start">The factors that are folded, by fold.</param>
    public (LearningTask Task, EquivalentScales Scales) Begin(
        Block block, IReadOnlyList<Projection> learned, IReadOnlyList<LayerProblem> problems, IReadOnlyList<ScaleFold> folds, IReadOnlyList<float[]> start, int seed)
    {
        BlockMethod[] all = [.. learned.Select(p => methods[p.Name].Learner!)];
        int Place(string name) => learned.ToList().FindIndex(p => p.Name == name);
        var names = VectorsOf(block, folds).ToList();
        var equivalent = folds.Select((fold, f) =>
        {
            int target = fold.IsNorm ? -1 : Place(fold.Target);
            DividedPart[] divided = fold.IsNorm ? [.. NormsOf(block, fold).Select(n => new DividedPart(learned.Count + names.IndexOf(n.Parameter), 0, true))]
                : names.IndexOf($"{fold.Target}.bias") is >= 0 and var bias ? [new(target, fold.FirstRow, false), new(learned.Count + bias, fold.FirstRow, true)]
                : [new(target, fold.FirstRow, false)];
            int[] readers = [.. Enumerable.Range(0, learned.Count).Where(l => learned[l].Site == fold.Site)];
            return new EquivalentFold(fold.FactorOf, readers, divided, factors => Relative(fold, start[f], factors));
        }).ToList();

        int[] moved = [.. Enumerable.Range(0, learned.Count).Where(l => equivalent.Any(e => e.Readers.Contains(l) || e.Divided.Any(d => !d.IsVector && d.Matrix == l)))];
        var scales = new EquivalentScales(equivalent, moved.Length + names.Count, OmniQuant.ChannelRate);
        LearnedPart[] parts =
        [
            .. learned.Select((_, l) => moved.Contains(l) ? (LearnedPart)new EquivalentLayer(scales, l, l == moved[0], ((OmniQuant)all[l]).Begin(problems[l])) : all[l].Begin(problems[l])),
            .. names.Select((name, v) => new EquivalentVector(scales, learned.Count + v, VectorOf(block, name))),
        ];
        double first = all[moved[0]].Learning.Rate ?? all[moved[0]].DefaultRate;
        double[] rates = [.. all.Select(m => m.Learning.Rate ?? m.DefaultRate), .. names.Select(_ => first)];
        long count = all.Select((m, l) => m.LearnedNumbers(problems[l].Rows, problems[l].Columns)).Sum() + folds.Sum(f => f.FactorCount);
        return (new(parts, rates, all[0].Learning, count, seed), scales);
    }

    /// <summary>All factors of a fold: those it began with times those that were learned.</summary>
    public float[] Total(ScaleFold fold, float[] start, float[] learned) => Settle(fold, [.. start.Zip(learned, (s, r) => s * r)]);

    private float[] Relative(ScaleFold fold, float[] start, float[] factors) => [.. Total(fold, start, factors).Zip(start, (total, s) => total / s)];

    private float[] Settle(ScaleFold fold, float[] factors) => ScaledTensors.Settle(tensors, spec, fold, factors);

    private bool Learns(string layer) => methods[layer].Learner is OmniQuant { LearnsChannels: true };

    private IEnumerable<NormVector> NormsOf(Block block, ScaleFold fold) =>
        BlockNorms.Of(spec, block).Where(n => n.Tensor == $"{fold.Target}.weight" || n.Tensor == $"{fold.Target}.bias");

    private Matrix<float> VectorOf(Block block, string name)
    {
        float[] values = BlockNorms.Of(spec, block).FirstOrDefault(n => n.Parameter == name)?.Values ?? block.Projections.First(p => $"{p.Name}.bias" == name).Bias!;
        return new(1, values.Length, [.. values]);
    }
}
