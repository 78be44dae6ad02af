using System.Buffers;
using System.Numerics.Tensors;

namespace Quarank.Numerics;

/// <summary>
/// The top eigenvectors of a Gram matrix found in float, which costs half of double, and put right in double: made orthonormal, and turned
/// into the best factors that their subspace holds.
/// </summary>
/// <remarks>
/// Float rounds G at 6e-8 of its largest eigenvalue λ. That tilts the subspace, and the energy lost by it is of second order: nothing against
/// the squared error that the rank leaves, unless a few directions tower above all others (massive activations). Directions with λ above
/// <see cref="Massive"/> times the squared error are therefore taken out in double, and the rest is found again without them; where λ is above
/// <see cref="TooMassive"/> times, the caller solves in double.
/// </remarks>
internal static class SingleSubspace
{
    /// <summary>Smaller orders gain nothing.</summary>
    public const int SmallestOrder = 160;

    private const double Massive = 100, TooMassive = 1e6;

    /// <param name="a">m × n.</param>
    /// <param name="wide">Whether the rows are the smaller side.</param>
    /// <param name="energy">‖a‖², above 0.</param>
    /// <param name="search">How eigenvectors are looked for.</param>
    /// <returns>
    /// rank × smaller side orthonormal rows E, what a makes of them (E a or E aᵀ, orthogonal rows), and how the search ended; null where float is
    /// not enough.
    /// </returns>
    public static (Matrix<double> Vectors, Matrix<double> Images, Ending Ending)? TryFind(Matrix<double> a, bool wide, int rank, double energy, Search search)
    {
        var (found, ending) = Find(a, wide, rank, search);
        if (Refine(a, wide, found) is not var (vectors, images, values)) return null;
        double left = energy - TensorPrimitives.Sum<double>(values);
        int massive = values.Count(v => v > Massive * left);
        if (massive == 0) return (vectors, images, ending);
        if (massive == rank || !(values[0] <= TooMassive * left)) return null;

        // a without its massive directions: their share is what they make of a, times themselves.
        var (first, made) = (vectors.SliceRows(0, massive), images.SliceRows(0, massive));
        var rest = wide ? LinearAlgebra.TransposeMultiply(first, made) : LinearAlgebra.TransposeMultiply(made, first);
        TensorPrimitives.Subtract(a.Data, rest.Data, rest.Data);
        var all = new Matrix<double>(rank, vectors.Columns);
        vectors.RowRange(0, massive).CopyTo(all.Data);
        (found, ending) = Find(rest, wide, rank - massive, search);
        found.Data.CopyTo(all.RowRange(massive, rank - massive));
        return Refine(a, wide, all) is var (better, images2, _) ? (better, images2, ending) : null;
    }

    // The top eigenvectors of a's smaller Gram matrix, as float has them.
    private static (Matrix<double>, Ending) Find(Matrix<double> a, bool wide, int count, Search search)
    {
        // A power of two brings the entries near 1, so that no square leaves float's range.
        double largest = Math.Abs(a.Data[TensorPrimitives.IndexOfMaxMagnitude<double>(a.Data)]);
        double scale = largest > 0 ? Math.ScaleB(1, -Math.ILogB(largest)) : 1;
        var x = new Matrix<float>(a.Rows, a.Columns);
        Threads.For(a.Rows, i =>
        {
            var scaled = ArrayPool<double>.Shared.Rent(a.Columns);
            TensorPrimitives.Multiply(a.Row(i), scale, scaled);
            TensorPrimitives.ConvertSaturating<double, float>(scaled.AsSpan(0, a.Columns), x.Row(i));
            ArrayPool<double>.Shared.Return(scaled);
        });
        var gram = wide ? LinearAlgebra.Syrk(x) : LinearAlgebra.SyrkTransposed(x);
        if (gram.Rows > search.ExactOrder)
        {
            double energy = 0;
            for (int i = 0; i < gram.Rows; i++) energy += gram[i, i];
            var (top, residual, passes, converged) = ShiftedIteration.Top(gram, count, energy, search.Tolerance, search.Seed);
            return (top, new(residual, passes, converged));
        }
        var found = SymmetricEigen.Top(gram, count).Vectors;
        var vectors = new Matrix<double>(count, found.Columns);
        TensorPrimitives.ConvertChecked<float, double>(found.Data, vectors.Data);
        return (vectors, new(0, 0, true));
    }

    // Orthonormal in double, and turned so that what a makes of them is orthogonal, the largest first.
    private static (Matrix<double> Vectors, Matrix<double> Images, double[] Values)? Refine(Matrix<double> a, bool wide, Matrix<double> vectors)
    {
        if (!LinearAlgebra.TryCholesky(LinearAlgebra.Syrk(vectors), out var lower, out _)) return null;
        LinearAlgebra.SolveLower(lower, vectors);
        var images = wide ? LinearAlgebra.Multiply(vectors, a) : LinearAlgebra.MultiplyTransposed(vectors, a);
        var ritz = SymmetricEigen.All(LinearAlgebra.Syrk(images));
        return (LinearAlgebra.Multiply(ritz.Vectors, vectors), LinearAlgebra.Multiply(ritz.Vectors, images), ritz.Values);
    }

    /// <summary>By LAPACK up to an order, beyond it by iteration.</summary>
    public readonly record struct Search(int ExactOrder, double Tolerance, int Seed);

    /// <summary>As in <see cref="TopRankFactors"/>.</summary>
    public readonly record struct Ending(double Residual, int Passes, bool Converged);
}
