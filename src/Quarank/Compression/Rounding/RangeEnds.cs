namespace Quarank.Compression.Rounding;

/// <summary>
/// How the ends of a grid's range move what rounding gives, rounding itself taken as if it were not there (OmniQuant; spec §6.4). With Δ = (max − min) / q and
/// u = (w − offset) / Δ: within the range ∂ŵ/∂Δ = round(u) − u, so ∂ŵ/∂max = (round(u) − u) / q = −∂ŵ/∂min; beyond it ŵ is the end itself, or, on a grid without
/// zero-points or offsets, which has one code more below zero than above, the outermost code times Δ.
/// </summary>
internal static class RangeEnds
{
    /// <summary>∂L/∂min and ∂L/∂max of a group, from ∂L/∂ŵ.</summary>
    /// <param name="mirrored">Zero is fixed: the range is ± its end.</param>
    public static (double ByMin, double ByMax) Slopes(ScalarGrid grid, bool mirrored, ReadOnlySpan<float> weights, ReadOnlySpan<float> slopes)
    {
        if (grid.Scale == 0) return default;
        double byStep = 0, below = 0, above = 0;
        for (int j = 0; j < weights.Length; j++)
        {
            double steps = (weights[j] - grid.Offset) / grid.Scale, code = Math.Round(steps) + grid.Zero;
            double end = Math.Clamp(code, 0, grid.MaxCode);
            if (code != end && mirrored) byStep += slopes[j] * (end - grid.Zero);
            else if (code < 0) below += slopes[j];
            else if (code > grid.MaxCode) above += slopes[j];
            else byStep += slopes[j] * (code - grid.Zero - steps);
        }
        byStep /= grid.MaxCode;
        return (below - byStep, above + byStep);
    }

    public static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    /// <summary>The x whose sigmoid is a part of a range; parts near 0 and 1 are brought to where gradients still move them.</summary>
    public static double Logit(double part, double most)
    {
        part = Math.Clamp(part, 1e-3, most);
        return Math.Log(part / (1 - part));
    }
}
