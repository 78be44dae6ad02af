using System.Numerics;
using System.Numerics.Tensors;

namespace Quarank.Numerics;

/// <summary>
/// The top eigenvectors of a positive semidefinite matrix G by block iteration with a dynamic shift (Feng, Yu, Xie and Tang 2024,
/// arXiv:2404.09276, there for singular values): Q ← orthonormal basis of (G − αI) Q, where α climbs to half of the smallest
/// eigenvalue that the block can hold. That costs nothing and doubles the rate for slowly falling spectra. Bases are made in double; the
/// products with G may be taken in float where float has enough of its small directions (<see cref="SingleSubspace"/>).
/// </summary>
internal static class ShiftedIteration
{
    private const int FirstCheck = 4, CheckEvery = 2, MostPasses = 24, InverseSteps = 6;

    /// <summary>Everything in double.</summary>
    /// <inheritdoc cref="Top(Func{Matrix{double}, Matrix{double}}, int, int, double, double, int, double)"/>
    public static (Matrix<double> Vectors, double Residual, int Passes, bool Converged) Top(
        Matrix<double> gram, int rank, double energy, double tolerance, int seed) =>
        Top(q => LinearAlgebra.Multiply(q, gram), gram.Rows, rank, energy, tolerance, seed, 1e-10);

    /// <summary>The products with G in float.</summary>
    /// <inheritdoc cref="Top(Func{Matrix{double}, Matrix{double}}, int, int, double, double, int, double)"/>
    public static (Matrix<double> Vectors, double Residual, int Passes, bool Converged) Top(
        Matrix<float> gram, int rank, double energy, double tolerance, int seed) =>
        Top(q => Converted<float, double>(LinearAlgebra.Multiply(Converted<double, float>(q), gram)), gram.Rows, rank, energy, tolerance, seed, 1e-5);

    /// <param name="times">q ↦ q G for a few rows q.</param>
    /// <param name="n">The order of G.</param>
    /// <param name="energy">The trace of G.</param>
    /// <param name="tolerance">Converged when two passes lower energy − captured by less than this share of it.</param>
    /// <param name="noise">The share of the energy that rounding may hide.</param>
    /// <returns>rank × n orthonormal rows, the residual as in <see cref="TopRankFactors"/>.</returns>
    private static (Matrix<double> Vectors, double Residual, int Passes, bool Converged) Top(
        Func<Matrix<double>, Matrix<double>> times, int n, int rank, double energy, double tolerance, int seed, double noise)
    {
        int width = Math.Min(n, rank + Math.Max(10, rank / 10));
        if (rank == 0 || energy == 0) return (new(rank, n), 0, 0, true);
        double shift = 0, before = double.NegativeInfinity;
        var q = Orthonormalize(times(RandomMatrix.Gaussian(width, n, seed)), out _);
        for (int passes = 2; ; passes++)
        {
            var image = times(q);
            if (passes >= FirstCheck && passes % CheckEvery == 0)
            {
                // Rayleigh–Ritz: the best that this block knows. Its vectors cost three times its values, and are asked for once.
                var projected = LinearAlgebra.MultiplyTransposed(image, q);
                double captured = TensorPrimitives.Sum<double>(SymmetricEigen.Values(projected).AsSpan(0, rank));
                bool converged = captured - before <= tolerance * Math.Max(energy - captured, noise * energy);
                if (converged || passes >= MostPasses) return Finish(q, image, SymmetricEigen.All(projected), rank, passes, converged);
                before = captured;
            }
            for (int i = 0; i < q.Rows; i++) TensorPrimitives.MultiplyAdd(q.Row(i), -shift, image.Row(i), image.Row(i));
            q = Orthonormalize(image, out double smallest);
            // For orthonormal Q, smallest + α never exceeds the eigenvalue it stands for, so α stays below half of it.
            shift = Math.Max(shift, (smallest + shift) / 2);
        }
    }

    private static (Matrix<double>, double, int, bool) Finish(
        Matrix<double> q, Matrix<double> image, SymmetricEigen<double> ritz, int rank, int passes, bool converged)
    {
        var top = ritz.Vectors.SliceRows(0, rank);
        var vectors = LinearAlgebra.Multiply(top, q);
        var residuals = LinearAlgebra.Multiply(top, image);
        double sum = 0;
        for (int i = 0; i < rank; i++)
        {
            TensorPrimitives.MultiplyAdd(vectors.Row(i), -ritz.Values[i], residuals.Row(i), residuals.Row(i));
            sum += TensorPrimitives.SumOfSquares<double>(residuals.Row(i));
        }
        return (vectors, Math.Sqrt(sum / rank) / ritz.Values[0], passes, converged);
    }

    /// <summary>
    /// An orthonormal basis of the rows of y, in its place: by Cholesky, y = L Q, on the pool; by Householder where the rows are
    /// too dependent for that. <paramref name="smallest"/> is about the smallest singular value of L, 0 from Householder.
    /// </summary>
    private static Matrix<double> Orthonormalize(Matrix<double> y, out double smallest)
    {
        var products = LinearAlgebra.Syrk(y);
        if (LinearAlgebra.TryCholesky(products, out var lower, out _))
        {
            LinearAlgebra.SolveLower(lower, y);
            smallest = SmallestSingular(lower);
            // The error is the square of y's condition times 1e-16; a bad one needs the step again.
            return Spread(lower) > 1e3 ? Orthonormalize(y, out _) : y;
        }
        smallest = 0;
        LinearAlgebra.OrthonormalizeRows(y);
        return y;
    }

    private static double Spread(Matrix<double> lower)
    {
        var (least, most) = (double.PositiveInfinity, 0.0);
        for (int i = 0; i < lower.Rows; i++) (least, most) = (Math.Min(least, lower[i, i]), Math.Max(most, lower[i, i]));
        return most / least;
    }

    // Inverse power steps on L Lᵀ.
    private static double SmallestSingular(Matrix<double> lower)
    {
        var x = new Matrix<double>(lower.Rows, 1);
        x.Data.Fill(1);
        double norm = 0;
        for (int step = 0; step < InverseSteps; step++)
        {
            TensorPrimitives.Divide(x.Data, TensorPrimitives.Norm<double>(x.Data), x.Data);
            LinearAlgebra.SolveLower(lower, x);
            LinearAlgebra.SolveLower(lower, x, transpose: true);
            norm = TensorPrimitives.Norm<double>(x.Data);
        }
        return Math.Sqrt(1 / norm);
    }

    private static Matrix<TTo> Converted<T, TTo>(Matrix<T> from) where T : unmanaged, INumber<T> where TTo : unmanaged, INumber<TTo>
    {
        var to = new Matrix<TTo>(from.Rows, from.Columns);
        Threads.For(from.Rows, i => TensorPrimitives.ConvertTruncating<T, TTo>(from.Row(i), to.Row(i)));
        return to;
    }
}
