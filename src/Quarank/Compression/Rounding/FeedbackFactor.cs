using System.Numerics;
using System.Numerics.Tensors;
using Quarank.Numerics;

namespace Quarank.Compression.Rounding;

/// <summary>
/// What error feedback needs of a damped Gram matrix: A unit upper triangular with H = A D Aᵀ, D diagonal. Rounding column k of
/// w + Σ_{j&lt;k} (w_j − ŵ_j) A_jk makes tr((W − Ŵ) H (W − Ŵ)ᵀ) = Σ_k D_k ‖rounding error of column k‖²: code for code what GPTQ does with the
/// inverse of H (Chee et al. 2023, arXiv:2307.13304, theorem 6), without an inverse.
/// </summary>
internal static class FeedbackFactor
{
    // Smaller orders gain nothing from float. Pivots further apart than this (their squares) leave float too few digits.
    private const int SmallestSingle = 1024;
    private const double WidestPivots = 1e3;

    /// <summary>
    /// A, from the Cholesky factor of H read backwards and in <paramref name="order"/> (null: as it stands); below the diagonal are zeros. No
    /// factor, but the column that failed, when H is not positive definite.
    /// </summary>
    public static (Matrix<float>? Factor, int FailedPivot) Of(Damped h, int[]? order = null)
    {
        if (h.Order >= SmallestSingle && Backwards<float>(h, order) is var single
            && LinearAlgebra.TryCholeskyInPlace(single, out _) && Spread(single) <= WidestPivots) return (Unit(single), 0);

        var wide = Backwards<double>(h, order);
        if (!LinearAlgebra.TryCholeskyInPlace(wide, out int pivot)) return (null, At(order, h.Order - 1 - pivot));
        return (Unit(wide), 0);
    }

    private static int At(int[]? order, int i) => order is null ? i : order[i];

    // The lower triangle of J H J, zeros above it.
    private static Matrix<T> Backwards<T>(Damped h, int[]? order) where T : unmanaged, INumber<T>
    {
        int n = h.Order;
        var backwards = new Matrix<T>(n, n);
        Threads.For(n, i =>
        {
            int column = At(order, n - 1 - i);
            var from = h.Gram.Row(column);
            var to = backwards.Row(i);
            for (int j = 0; j < i; j++) to[j] = T.CreateTruncating(from[At(order, n - 1 - j)]);
            to[i] = T.CreateTruncating(h.Diagonal[column]);
        });
        return backwards;
    }

    private static double Spread(Matrix<float> lower)
    {
        var (least, most) = (float.PositiveInfinity, 0f);
        for (int i = 0; i < lower.Rows; i++) (least, most) = (Math.Min(least, lower[i, i]), Math.Max(most, lower[i, i]));
        return (double)most / least;
    }

    // R = J L J, then each column divided by its pivot; a float factor is turned in its place.
    private static Matrix<float> Unit<T>(Matrix<T> lower) where T : unmanaged, INumber<T>
    {
        int n = lower.Rows;
        var inverse = new T[n];
        for (int i = 0; i < n; i++) inverse[i] = T.One / lower[n - 1 - i, n - 1 - i];
        lower.Data.Reverse();
        var unit = lower as Matrix<float> ?? new Matrix<float>(n, n);
        Threads.For(n, i =>
        {
            var row = lower.Row(i)[i..];
            TensorPrimitives.Multiply<T>(row, inverse.AsSpan(i), row);
            TensorPrimitives.ConvertTruncating<T, float>(row, unit.Row(i)[i..]);
            unit[i, i] = 1;
        });
        return unit;
    }
}
