namespace Quarank.Evaluation;

/// <summary>How the divergences of single tokens are spread, in nats.</summary>
/// <remarks>
/// The error of a percentile takes no bootstrap and no form of the distribution: how many of n values lie below the true one is
/// binomial, so the values at the shares q ± √(q (1 − q) / n) enclose it with the probability of one standard error, and half
/// of what lies between them is the error. Fewer than q / (1 − q) values (999 for the 99.9th) have none above the upper share;
/// the greatest stands in for it, and the error is too small.
/// </remarks>
/// <param name="Median">Half of the tokens diverge less.</param>
/// <param name="P90">90 % of the tokens diverge less.</param>
/// <param name="P99">99 %.</param>
/// <param name="P999">99.9 %.</param>
/// <param name="Maximum">
/// The worst token. Its error is the jackknife's, (1 − 1/n) times what parts it from the second: how far the figure hangs on one token.
/// </param>
public sealed record KlSpread(Estimate Median, Estimate P90, Estimate P99, Estimate P999, Estimate Maximum)
{
    internal static KlSpread Of(ReadOnlySpan<float> sorted)
    {
        double top = sorted[^1], second = sorted.Length > 1 ? sorted[^2] : top;
        return new(At(sorted, 0.5), At(sorted, 0.9), At(sorted, 0.99), At(sorted, 0.999),
            new(top, (top - second) * (1 - 1.0 / sorted.Length)));
    }

    /// <summary>The value at <paramref name="share"/> · (n − 1) of sorted values, between two of them by linear
    /// interpolation.</summary>
    internal static double Percentile(ReadOnlySpan<float> sorted, double share)
    {
        double at = share * (sorted.Length - 1);
        int below = (int)at, above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + (at - below) * ((double)sorted[above] - sorted[below]);
    }

    private static Estimate At(ReadOnlySpan<float> sorted, double share)
    {
        double width = Math.Sqrt(share * (1 - share) / sorted.Length);
        double low = Percentile(sorted, Math.Max(0, share - width)), high = Percentile(sorted, Math.Min(1, share + width));
        return new(Percentile(sorted, share), (high - low) / 2);
    }
}
