using System.Numerics.Tensors;
using Quarank.Numerics;

namespace Quarank.Compression;

/// <summary>
/// The one low-rank primitive: with S = A Y = U Σ Vᵀ, L = U_r and R = Σ_r V_rᵀ Y⁻¹ make ‖(A − L R) Y‖ least, and what is left is Σ_{i>r} σ_i². Any root Y of
/// H = Y Yᵀ gives the same product, so the methods that differ in the root alone (Cholesky, eigenvectors, symmetric root) are one method here.
/// </summary>
internal static class WeightedLowRank
{
    // Inputs weaker than this part of the strongest count as if they were so strong: their columns are divided by it.
    private const double Floor = 1e-4;

    // Mean of |x| over root mean square of a normal variable.
    private const double MagnitudeOfRms = 0.7978845608;

    /// <summary>Y, lower triangular: of the damped Gram matrix, or a diagonal of the inputs' sizes, which needs no damping.</summary>
    /// <param name="power">To which sizes are raised (ASVD's α).</param>
    public static Matrix<double> Root(LayerProblem problem, InputWeighting weighting, bool[] dead, double power = 1, double damping = 0.01,
        DampingOf of = DampingOf.Mean)
    {
        if (weighting == InputWeighting.Gram) return DampedGram.Cholesky(problem, damping, dead, of);
        double[] sizes = Sizes(problem, weighting);
        double floor = Floor * sizes.Max();
        var y = new Matrix<double>(dead.Length, dead.Length);
        for (int j = 0; j < dead.Length; j++) y[j, j] = dead[j] || floor == 0 ? 1 : Math.Pow(Math.Max(sizes[j], floor), power);
        return y;
    }

    /// <summary>L and R for A in the norm of Y, given S = A Y.</summary>
    public static (Matrix<double> L, Matrix<double> R) Factors(Matrix<double> s, Matrix<double> y, int rank)
    {
        var top = TopRank.Factor(s, rank);
        var r = Right(top, y);
        for (int i = 0; i < rank; i++) TensorPrimitives.Multiply(r.Row(i), top.Values[i], r.Row(i));
        return (top.U, r);
    }

    /// <summary>Vᵀ Y⁻¹, whose rows are orthonormal in the norm of H.</summary>
    public static Matrix<double> Right(TopRankFactors top, Matrix<double> y)
    {
        var right = top.Vt.Clone();
        LinearAlgebra.SolveLowerRight(y, right);
        return right;
    }

    private static double[] Sizes(LayerProblem problem, InputWeighting weighting)
    {
        var (inputs, h) = (problem.Inputs, problem.Inputs.Gram);
        if (weighting == InputWeighting.None) return [.. Enumerable.Repeat(1.0, h.Rows)];
        if (weighting == InputWeighting.Magnitude && inputs.Magnitudes is { } magnitudes) return magnitudes;
        if (weighting == InputWeighting.Magnitude)
            problem.Note?.Invoke("the mean magnitudes of the inputs are not known here; root mean squares stand in for them");
        double unit = weighting == InputWeighting.Magnitude ? MagnitudeOfRms : 1;
        return [.. Enumerable.Range(0, h.Rows).Select(j => unit * Math.Sqrt(Math.Max(0, h[j, j])))];
    }
}
