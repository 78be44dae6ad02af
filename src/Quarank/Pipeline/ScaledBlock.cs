using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Models;
using Quarank.Models.Scaling;

namespace Quarank.Pipeline;

/// <summary>A block with the factors of its sites' channels folded into the operations before them.</summary>
/// <param name="Block">Its weights in floats, scaled.</param>
/// <param name="Statistics">Of the scaled inputs.</param>
/// <param name="Vectors">The norms and biases that changed, to be stored with the block.</param>
/// <param name="RowFactors">By layer, what its rows were divided by.</param>
/// <param name="Words">By site, what was chosen and where it went.</param>
internal sealed record ScaledBlock(
    Block Block, Dictionary<InputSite, SiteStatistics> Statistics, IReadOnlyList<StoredTensor> Vectors,
    IReadOnlyDictionary<string, float[]> RowFactors, IReadOnlyDictionary<InputSite, string> Words);

/// <summary>
/// Chooses the factors of each site whose layers' method scales channels, for all of them together, and folds them. A site's choice is made on the
/// block as it was: what is divided off a row does not change how well the row can be rounded.
/// </summary>
internal sealed class BlockScaling(Checkpoint checkpoint, ModelSpec spec, Recipe recipe, Assignment methods)
{
    /// <returns>Null where no layer of the block has its factors folded.</returns>
    public ScaledBlock? Scale(Block block, IReadOnlyDictionary<InputSite, SiteStatistics> statistics, ForwardBuffers buffers)
    {
        var (scales, words) = (new List<FoldedScale>(), new Dictionary<InputSite, string>());
        foreach (var site in block.Projections.GroupBy(p => p.Site))
        {
            if (methods.Folding(site.First().Name) is not { } method || ScaleFold.Of(spec, block.Index, site.Key).Fold is not { } fold) continue;
            var inputs = statistics[site.Key].For(recipe.Calibration.WeightsFor(method));
            var chosen = method.Choose(new([.. site.Select(p => new LayerProblem(p.Name, p.Weight.ToDense(), inputs))], fold.FactorOf));
            float[] factors = ScaledTensors.Settle(checkpoint.Tensors, spec, fold, chosen.Factors);
            scales.Add(new(fold, factors));
            words[site.Key] = $"{chosen.Words}; folded into {fold.Target}";
        }
        return scales.Count == 0 ? null : Fold(block, statistics, scales, words, buffers);
    }

    /// <summary>The block as the checkpoint has it, with factors folded.</summary>
    /// <param name="scales">At most one a site, settled.</param>
    /// <param name="words">By site, for the report.</param>
    public ScaledBlock Fold(Block block, IReadOnlyDictionary<InputSite, SiteStatistics> statistics, IReadOnlyCollection<FoldedScale> scales,
        IReadOnlyDictionary<InputSite, string> words, ForwardBuffers buffers)
    {
        var (tensors, rowFactors) = (checkpoint.Tensors, new Dictionary<string, float[]>());
        var divided = new Dictionary<InputSite, SiteStatistics>(statistics);
        foreach (var (fold, factors) in scales)
        {
            divided[fold.Site] = statistics[fold.Site].DividedBy(fold.OfChannels(factors));
            if (!fold.IsNorm) rowFactors[fold.Target] = RowFactors(block, fold, factors);
        }
        var changed = ScaledTensors.Of(tensors, spec, block.Index, scales);
        var weights = block.Projections.Select(p => $"{p.Name}.weight").ToHashSet(StringComparer.Ordinal);
        return new(Model.LoadBlockInFloats(tensors.With(changed), checkpoint.Config, spec, block.Index, buffers), divided,
            [.. changed.Where(t => !weights.Contains(t.Name))], rowFactors, words);
    }

    private static float[] RowFactors(Block block, ScaleFold fold, float[] factors)
    {
        var rows = new float[block.Projections.First(p => p.Name == fold.Target).Weight.Rows];
        rows.AsSpan().Fill(1);
        factors.CopyTo(rows, fold.FirstRow);
        return rows;
    }
}
