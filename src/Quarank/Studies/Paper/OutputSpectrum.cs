using System.Numerics.Tensors;
using Quarank.Compression;
using Quarank.Numerics;

namespace Quarank.Studies.Paper;

/// <summary>
/// How the output energy tr(W H Wᵀ) of a layer spreads over its components. With the first r of them kept, unquantized, the relative output
/// error is what the others sum up to.
/// </summary>
/// <remarks>
/// With the singular value decomposition W = U S Vᵀ and B = Uᵀ (W H Wᵀ) U: the component s_i u_i v_iᵀ of W carries s_i² v_iᵀ H v_i = B_ii of the
/// energy, and since the u_i are orthogonal these add up, so the diagonal of B is the curve of the plain decomposition. The best decomposition
/// for the inputs (Proposition 1) keeps eigenvectors of W H Wᵀ, which has B's eigenvalues. That it is never worse at any rank is Schur's
/// inequality between the two. H is undamped.
/// </remarks>
/// <param name="Kind">The last part of the name: q_proj, down_proj.</param>
/// <param name="Weighted">Shares of the energy that the input-weighted components carry, falling; they sum to 1.</param>
/// <param name="Plain">Shares carried by the components of W's own decomposition, in the order of its singular values.</param>
/// <param name="Weights">Shares of ‖W‖² carried by the same, falling.</param>
public sealed record OutputSpectrum(string Name, string Kind, int Rows, int Columns, double[] Weighted, double[] Plain, double[] Weights)
{
    /// <summary>min(rows, columns): the rank that leaves no error.</summary>
    public int FullRank => Weighted.Length;

    /// <summary>Both decompositions of one layer. What lies below rounding counts as zero.</summary>
    public static OutputSpectrum Of(LayerProblem problem)
    {
        var w = new Matrix<double>(problem.Rows, problem.Columns);
        TensorPrimitives.ConvertChecked<float, double>(problem.Weight.Data, w.Data);

        // Rows s_i v_iᵀ, from the eigenvectors of the smaller of W Wᵀ and Wᵀ W.
        var components = w.Rows <= w.Columns
            ? LinearAlgebra.Multiply(SymmetricEigen.All(LinearAlgebra.Syrk(w)).Vectors, w)
            : Scaled(SymmetricEigen.All(LinearAlgebra.SyrkTransposed(w)));
        var b = LinearAlgebra.MultiplyTransposed(LinearAlgebra.Multiply(components, problem.Inputs.Plain ?? problem.Inputs.Gram), components);
        LinearAlgebra.Symmetrize(b);

        int k = components.Rows;
        var (plain, weights) = (new double[k], new double[k]);
        for (int i = 0; i < k; i++) (plain[i], weights[i]) = (b[i, i], TensorPrimitives.SumOfSquares<double>(components.Row(i)));
        return new(problem.Name, KindOf(problem.Name), problem.Rows, problem.Columns, Shares(SymmetricEigen.Values(b)), Shares(plain), Shares(weights));
    }

    /// <summary>The share of the output energy lost when <paramref name="rank"/> components are kept.</summary>
    public double Error(bool weighted, int rank) => Math.Max(0, TensorPrimitives.Sum((weighted ? Weighted : Plain).AsSpan(rank)));

    /// <summary>The rank that a fraction of the full one comes to: the nearest whole number, at least 1.</summary>
    public int RankAt(double fraction) => Math.Clamp((int)Math.Round(fraction * FullRank), 1, FullRank);

    /// <summary>The components it takes to carry this share of the energy, as a fraction of the full rank.</summary>
    public double FractionFor(double share)
    {
        double sum = 0;
        int rank = 0;
        while (rank < FullRank && sum < share) sum += Weighted[rank++];
        return (double)rank / FullRank;
    }

    internal static string KindOf(string name) => name[(name.LastIndexOf('.') + 1)..];

    private static Matrix<double> Scaled(SymmetricEigen<double> eigen)
    {
        for (int i = 0; i < eigen.Values.Length; i++)
            TensorPrimitives.Multiply(eigen.Vectors.Row(i), Math.Sqrt(Math.Max(0, eigen.Values[i])), eigen.Vectors.Row(i));
        return eigen.Vectors;
    }

    private static double[] Shares(double[] energies)
    {
        for (int i = 0; i < energies.Length; i++) energies[i] = Math.Max(0, energies[i]);
        double total = energies.Sum();
        return total > 0 ? [.. energies.Select(e => e / total)] : energies;
    }
}
