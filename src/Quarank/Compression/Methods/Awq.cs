using System.Text.Json.Serialization;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>
/// AWQ (Lin et al. 2023, arXiv:2306.00978; spec §6.2): channels that carry much are multiplied before rounding, by s = a^ratio, so that their weights are
/// rounded on finer steps. The ratio is searched: 0, 1 / steps, … ; the best by what rounding to nearest then does to the outputs.
/// </summary>
/// <remarks>
/// Two readings of our own. a is √(mean x²) of the channel unless mean |x| is asked for: it stands on the diagonal of the Gram matrix that is there anyway, and
/// tokens of norm 1 (this method's weights) keep a few sinks from ruling it. The error is Σ tr(Δ H Δᵀ) over the site's layers, which is exact for their outputs on
/// all tokens; the paper looks at the output of the module around them.
/// </remarks>
/// <param name="Inner">Rounds the scaled weights, on a grid: rtn is AWQ's own, its clip search the range <c>output</c>.</param>
/// <param name="Steps">How many ratios are tried.</param>
/// <param name="Activity">What a is.</param>
public sealed record Awq(Method Inner, bool Fold = true, int Steps = 20, ChannelActivity Activity = ChannelActivity.RootMeanSquare) : ScaledMethod(Inner, Fold)
{
    private const double SmallestFactor = 1e-4;

    [JsonIgnore] public override TokenWeights PreferredWeights => TokenWeights.Unit;

    public override void Validate()
    {
        base.Validate();
        _ = Grid;
        if (Steps < 1) throw new ArgumentException($"At least one ratio is tried, not {Steps}.");
    }

    private GridFormat Grid => (Inner is RoundedInputs rounded ? rounded.Inner : Inner is Lrc lrc ? lrc.Inner : Inner) switch
    {
        RoundToNearest nearest => nearest.Grid,
        Gptq gptq => gptq.Grid,
        _ => throw new ArgumentException("AWQ searches its factors on the grid of its inner method, which is rtn or gptq."),
    };

    public override ChannelScales Choose(SiteProblem site)
    {
        var search = new AwqSearch(Grid, site);
        double[] activity = site.Activity(Activity);
        float[][] factors = [.. Enumerable.Range(0, Steps).Select(step => Factors(activity, step / (double)Steps))];
        var (best, least, plain) = search.Best(factors);
        double all = site.Layers.Sum(l => LinearAlgebra.QuadraticTrace(l.Weight, l.Inputs.Gram));
        return new(factors[best], FormattableString.Invariant(
            $"AWQ: ratio {best / (double)Steps:0.00}, error of rounding to nearest {Part(least):0.00000} instead of {Part(plain):0.00000}"));

        double Part(double error) => all > 0 ? error / all : 0;
    }

    /// <summary>a^ratio, brought to a geometric middle of 1; 1 where nothing ever came in.</summary>
    private static float[] Factors(double[] activity, double ratio)
    {
        double[] s = [.. activity.Select(a => a > 0 ? Math.Max(SmallestFactor, Math.Pow(a, ratio)) : 0)];
        double[] live = [.. s.Where(f => f > 0)];
        if (live.Length == 0) return Ones(s.Length);
        double middle = Math.Sqrt(live.Max() * live.Min());
        return [.. s.Select(f => f > 0 ? (float)(f / middle) : 1)];
    }

    private static float[] Ones(int count) => [.. Enumerable.Repeat(1f, count)];
}
