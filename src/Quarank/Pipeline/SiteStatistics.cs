using Quarank.Compression;
using Quarank.Numerics;

namespace Quarank.Pipeline;

/// <summary>The tokens of an input site that stand out by their norm.</summary>
/// <param name="Ratio">Largest norm of a token's input, divided by the median norm.</param>
/// <param name="Tokens">How many have a norm above four times the median; null where statistics kept by an earlier version do not
/// say.</param>
/// <param name="Share">Their part of the Gram matrix's trace, 0 … 1; null as above.</param>
public sealed record Sinks(double Ratio, long? Tokens = null, double? Share = null)
{
    private const double Large = 4;

    /// <summary>Of all norms of a site, in any order; they are sorted.</summary>
    internal static Sinks Of(List<float> norms)
    {
        norms.Sort();
        double median = norms[norms.Count / 2], all = 0, large = 0;
        long count = 0;
        foreach (double norm in norms)
        {
            all += norm * norm;
            if (norm <= Large * median) continue;
            large += norm * norm;
            count++;
        }
        return new(median > 0 ? norms[^1] / median : 1, count, all > 0 ? large / all : 0);
    }
}

/// <summary>What calibration saw at one input site of a block.</summary>
/// <param name="Grams">Σ w² x xᵀ / tokens for the weights that were asked for, the plain one always among them.</param>
internal sealed record SiteStatistics(long Tokens, IReadOnlyDictionary<TokenWeights, Matrix<double>> Grams, Sinks Sinks)
{
    /// <summary>For an expert: how many tokens were routed to it, all of <see cref="Tokens"/> or too few to fit to. Null elsewhere.</summary>
    public long? Routed { get; init; }

    /// <summary>As in <see cref="InputStatistics.Magnitudes"/>.</summary>
    public double[]? Magnitudes { get; init; }

    /// <summary>For the roundings that were asked for.</summary>
    public IReadOnlyDictionary<(InputRounding Rounding, TokenWeights Weights), RoundedStatistics> Rounded { get; init; } =
        new Dictionary<(InputRounding, TokenWeights), RoundedStatistics>();

    /// <summary>Unweighted.</summary>
    public InputStatistics Inputs => For(TokenWeights.None);

    /// <summary>Of inputs whose channels are divided by factors.</summary>
    public SiteStatistics DividedBy(float[] factors) =>
        this with
        {
            Grams = Grams.ToDictionary(g => g.Key, g => ScaledProblem.Gram(g.Value, factors)),
            Magnitudes = ScaledProblem.Magnitudes(Magnitudes, factors),
        };

    /// <summary>As a layer sees them whose tokens are weighted so.</summary>
    public InputStatistics For(TokenWeights weights, InputRounding? rounding = null) =>
        new(Tokens, Grams[weights], weights == TokenWeights.None ? null : Grams[TokenWeights.None])
        {
            Magnitudes = Magnitudes,
            Rounded = rounding is null ? null : Rounded[(rounding, weights)],
        };
}
