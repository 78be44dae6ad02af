using System.Numerics.Tensors;
using Quarank.Numerics;

namespace Quarank.Compression.Rounding;

/// <summary>
/// What rounding by blocks of columns needs of a damped Gram matrix: H = L D Lᵀ with L unit block-lower triangular, and H with each block of
/// rows divided by its own square of H (Tseng et al. 2024, arXiv:2402.04396). Columns beyond the matrix fill the last block: nothing depends on them.
/// </summary>
/// <param name="Width">Columns of a block.</param>
/// <param name="Upper">Lᵀ in float; only the blocks above the diagonal are read.</param>
/// <param name="Descent">diag(H_kk)⁻¹ · H in float: what coordinate descent of a block adds to it for each error; null where no pass asks for it.</param>
/// <param name="PivotRoots">The Cholesky factors of the blocks of D, one after the other, row by row: the norm in which the feedback pass loses.</param>
/// <param name="SquareRoots">Those of the squares H_kk: the norm in which descent loses; empty without it.</param>
internal sealed record BlockFeedback(int Width, Matrix<float> Upper, Matrix<float>? Descent, float[] PivotRoots, float[] SquareRoots)
{
    /// <summary>Columns, whole blocks of them.</summary>
    public int Order => Upper.Rows;

    /// <summary>No feedback, but the column that failed, when H is not positive definite.</summary>
    public static (BlockFeedback? Feedback, int FailedPivot) Of(Damped h, int width, bool descent)
    {
        int n = (h.Order + width - 1) / width * width;
        double mean = h.Diagonal.Average();
        var lower = new Matrix<double>(n, n);
        Threads.For(n, i => Row(h, i, mean, lower.Row(i)[..(i + 1)]));
        if (!LinearAlgebra.TryCholeskyInPlace(lower, out int pivot)) return (null, Math.Min(pivot, h.Order - 1));
        var pivots = new float[n * width];
        var upper = UnitBlocks(lower, width, pivots);
        if (!descent) return (new(width, upper, null, pivots, []), 0);
        var squares = new float[n * width];
        return (new(width, upper, DividedBlocks(h, n, width, mean, squares), pivots, squares), 0);
    }

    // The beginning of row i of H, the filling's included.
    private static void Row(Damped h, int i, double mean, Span<double> row)
    {
        row.Clear();
        if (i < h.Order) h.Gram.Row(i)[..Math.Min(row.Length, h.Order)].CopyTo(row);
        if (i < row.Length) row[i] = i < h.Order ? h.Diagonal[i] : mean;
    }

    // Column block k of the Cholesky factor C times the inverse of its square on the diagonal, turned.
    private static Matrix<float> UnitBlocks(Matrix<double> lower, int width, float[] roots)
    {
        int n = lower.Rows;
        var upper = new Matrix<float>(n, n);
        Threads.For(n / width, k =>
        {
            int first = k * width;
            var square = new Matrix<double>(width, width);
            for (int i = 0; i < width; i++)
            {
                lower.Row(first + i).Slice(first, i + 1).CopyTo(square.Row(i));
                TensorPrimitives.ConvertTruncating<double, float>(square.Row(i), roots.AsSpan((first + i) * width, width));
            }
            double[] inverse = InverseOf(square);
            for (int i = first + width; i < n; i++)
            {
                var row = lower.Row(i).Slice(first, width);
                for (int j = 0; j < width; j++) upper[first + j, i] = (float)TensorPrimitives.Dot<double>(row[j..], inverse.AsSpan(j * width + j, width - j));
            }
        });
        return upper;
    }

    private static Matrix<float> DividedBlocks(Damped h, int n, int width, double mean, float[] roots)
    {
        var divided = new Matrix<float>(n, n);
        Threads.For(n / width, k =>
        {
            int first = k * width;
            var (rows, square, sum) = (new Matrix<double>(width, n), new Matrix<double>(width, width), new double[n]);
            for (int i = 0; i < width; i++)
            {
                Row(h, first + i, mean, rows.Row(i));
                rows.Row(i).Slice(first, i + 1).CopyTo(square.Row(i));
            }
            if (!LinearAlgebra.TryCholeskyInPlace(square, out _))
                throw new InvalidOperationException("A square on the diagonal of a positive definite matrix is not positive definite.");
            TensorPrimitives.ConvertTruncating<double, float>(square.Data, roots.AsSpan(first * width, width * width));
            double[] inverse = InverseOf(square);
            for (int i = 0; i < width; i++)
            {
                Array.Clear(sum);
                for (int j = 0; j < width; j++)
                {
                    // (C⁻ᵀ C⁻¹)_ij, with the inverse's columns at hand.
                    int from = Math.Max(i, j);
                    double factor = TensorPrimitives.Dot<double>(inverse.AsSpan(i * width + from, width - from), inverse.AsSpan(j * width + from, width - from));
                    TensorPrimitives.MultiplyAdd<double>(rows.Row(j), factor, sum, sum);
                }
                TensorPrimitives.ConvertTruncating<double, float>(sum, divided.Row(first + i));
            }
        });
        return divided;
    }

    // C⁻¹ of a small lower C, column by column: entry (i, j) at j · order + i.
    private static double[] InverseOf(Matrix<double> lower)
    {
        int n = lower.Rows;
        var inverse = new double[n * n];
        for (int j = 0; j < n; j++)
        {
            var column = inverse.AsSpan(j * n, n);
            column[j] = 1 / lower[j, j];
            for (int i = j + 1; i < n; i++) column[i] = -TensorPrimitives.Dot<double>(lower.Row(i)[j..i], column[j..i]) / lower[i, i];
        }
        return inverse;
    }
}
