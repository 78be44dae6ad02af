using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Quarank.Numerics;

public static partial class LinearAlgebra
{
    private const int QuadraticTile = 192;

    // What float may change in the result, relative to it; beyond it the sum is taken in double.
    private const double QuadraticTolerance = 2e-6;

    /// <summary>
    /// tr(a·h·aᵀ), on the pool: the sum of h's entries, each times that of aᵀ·a, whose lower triangle is half the work of a·h. aᵀ·a is
    /// computed in float, unless its rounding could show: where a nearly avoids h's main directions, everything is done in double.
    /// </summary>
    /// <param name="a">m × n.</param>
    /// <param name="h">n × n, symmetric; the lower triangle is read.</param>
    /// <param name="tolerance">What rounding may change in the result, relative to it.</param>
    public static double QuadraticTrace(MatrixSlice<float> a, Matrix<double> h, double tolerance = QuadraticTolerance)
    {
        CheckSquare(h, nameof(h));
        if (a.Columns != h.Rows)
            throw new ArgumentException($"Rows of {a.Columns} values do not fit a matrix of {h.Rows}x{h.Columns}.", nameof(a));
        BlasLibrary.Ready();
        var norms = ColumnNorms(a);
        int side = Pieces(h.Rows, QuadraticTile), tiles = side * (side + 1) / 2;
        var (sums, squares) = (new double[tiles], new double[tiles]);
        Threads.For(tiles, (a, h, norms, sums, squares), static (tile, s) =>
            (s.sums[tile], s.squares[tile]) = QuadraticTileSum<float>(s.a, s.h, s.norms, tile));
        double sum = sums.Sum();
        // Entry (i, j) of aᵀ·a rounds by about 2⁻²⁴ ‖aᵢ‖‖aⱼ‖, each for itself.
        if (Math.Sqrt(squares.Sum()) * Math.ScaleB(1, -24) <= tolerance * sum) return sum;

        var wide = new Matrix<double>(a.Rows, a.Columns);
        for (int i = 0; i < a.Rows; i++) TensorPrimitives.ConvertTruncating<float, double>(a.Row(i), wide.Row(i));
        Threads.For(tiles, (a: (MatrixSlice<double>)wide, h, norms, sums), static (tile, s) =>
            s.sums[tile] = QuadraticTileSum<double>(s.a, s.h, s.norms, tile).Sum);
        return sums.Sum();
    }

    private static double[] ColumnNorms(MatrixSlice<float> a)
    {
        var (squares, row) = (new double[a.Columns], new double[a.Columns]);
        for (int i = 0; i < a.Rows; i++)
        {
            TensorPrimitives.ConvertTruncating<float, double>(a.Row(i), row);
            TensorPrimitives.MultiplyAdd<double>(row, row, squares, squares);
        }
        TensorPrimitives.Sqrt<double>(squares, squares);
        return squares;
    }

    // Σ g_ij h_ij over a tile of the lower triangle and its mirror image, and Σ (‖aᵢ‖‖aⱼ‖ h_ij)².
    private static (double Sum, double Squares) QuadraticTileSum<T>(MatrixSlice<T> a, Matrix<double> h, double[] norms, int tile) where T : unmanaged
    {
        var (i, j) = LowerTile(tile);
        (i, j) = (i * QuadraticTile, j * QuadraticTile);
        var (height, width) = (Math.Min(QuadraticTile, h.Rows - i), Math.Min(QuadraticTile, h.Rows - j));
        var product = new Matrix<T>(height, width);
        var left = a.Part(0, a.Rows, i, height);
        if (i == j) Square(true, height, a.Rows, left, product);
        else Gemm(true, false, height, width, a.Rows, left, a.Part(0, a.Rows, j, width), product);

        var row = ArrayPool<double>.Shared.Rent(width);
        double sum = 0, squares = 0;
        for (int r = 0; r < height; r++)
        {
            int count = i == j ? r : width; // the diagonal counts once, all else twice
            var values = row.AsSpan(0, count);
            var weights = h.Row(i + r).Slice(j, count);
            Widen<T>(product.Row(r)[..count], values);
            sum += 2 * TensorPrimitives.Dot<double>(values, weights);
            TensorPrimitives.Multiply(weights, norms.AsSpan(j, count), values);
            squares += 2 * norms[i + r] * norms[i + r] * TensorPrimitives.SumOfSquares<double>(values);
            if (i == j) sum += norms[i + r] * norms[i + r] * h[i + r, i + r];
        }
        ArrayPool<double>.Shared.Return(row);
        return (sum, squares);
    }

    private static void Widen<T>(ReadOnlySpan<T> from, Span<double> to) where T : unmanaged
    {
        if (typeof(T) == typeof(float)) TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<T, float>(from), to);
        else MemoryMarshal.Cast<T, double>(from).CopyTo(to);
    }
}
