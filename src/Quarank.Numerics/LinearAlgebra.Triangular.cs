using System.Numerics.Tensors;

namespace Quarank.Numerics;

public static partial class LinearAlgebra
{
    // Right-hand sides are independent, so they are shared out in pieces of this many.
    private const int RightHandSides = 128;

    private delegate void TriangularCall<T>(int order, int side, int uplo, int trans, int diag, int m, int n, T alpha,
        ReadOnlySpan<T> a, int lda, Span<T> b, int ldb);

    private enum Side { Left, Right }

    /// <summary>b := L⁻¹·b (or L⁻ᵀ·b), many right-hand sides as the columns of b, on the pool. Above the diagonal L is not read.</summary>
    public static void SolveLower(Matrix<double> lower, MatrixSlice<double> b, bool transpose = false) =>
        Triangular(OpenBlas.Dtrsm, Side.Left, OpenBlas.Lower, transpose, 1, lower, b);

    /// <inheritdoc cref="SolveLower(Matrix{double}, MatrixSlice{double}, bool)"/>
    public static void SolveLower(Matrix<float> lower, MatrixSlice<float> b, bool transpose = false) =>
        Triangular(OpenBlas.Strsm, Side.Left, OpenBlas.Lower, transpose, 1, lower, b);

    /// <summary>b := b·L⁻¹ (or b·L⁻ᵀ), one system per row of b, on the pool.</summary>
    public static void SolveLowerRight(Matrix<double> lower, MatrixSlice<double> b, bool transpose = false) =>
        Triangular(OpenBlas.Dtrsm, Side.Right, OpenBlas.Lower, transpose, 1, lower, b);

    /// <inheritdoc cref="SolveLowerRight(Matrix{double}, MatrixSlice{double}, bool)"/>
    public static void SolveLowerRight(Matrix<float> lower, MatrixSlice<float> b, bool transpose = false) =>
        Triangular(OpenBlas.Strsm, Side.Right, OpenBlas.Lower, transpose, 1, lower, b);

    /// <summary>b := U⁻¹·b (or U⁻ᵀ·b), many right-hand sides as the columns of b, on the pool. Below the diagonal U is not read.</summary>
    public static void SolveUpper(Matrix<double> upper, MatrixSlice<double> b, bool transpose = false) =>
        Triangular(OpenBlas.Dtrsm, Side.Left, OpenBlas.Upper, transpose, 1, upper, b);

    /// <summary>b := b·U⁻¹ (or b·U⁻ᵀ), one system per row of b, on the pool.</summary>
    public static void SolveUpperRight(Matrix<double> upper, MatrixSlice<double> b, bool transpose = false) =>
        Triangular(OpenBlas.Dtrsm, Side.Right, OpenBlas.Upper, transpose, 1, upper, b);

    /// <summary>b := L·b (or Lᵀ·b), on the pool, at half the cost of a full product. Above its diagonal L is not read.</summary>
    public static void MultiplyLower(Matrix<double> lower, MatrixSlice<double> b, bool transpose = false) =>
        Triangular(OpenBlas.Dtrmm, Side.Left, OpenBlas.Lower, transpose, 1, lower, b);

    /// <summary>b := b·L (or b·Lᵀ), on the pool.</summary>
    public static void MultiplyLowerRight(Matrix<double> lower, MatrixSlice<double> b, bool transpose = false) =>
        Triangular(OpenBlas.Dtrmm, Side.Right, OpenBlas.Lower, transpose, 1, lower, b);

    /// <summary>b·L in a matrix of its own, at half the cost of a full product.</summary>
    public static Matrix<double> TimesLower(Matrix<double> b, Matrix<double> lower)
    {
        var product = b.Clone();
        MultiplyLowerRight(lower, product);
        return product;
    }

    /// <summary>
    /// As <see cref="TimesLower"/> with products and sums in floats, in half the time: each number to about 1e-7 of its row's and column's norms. In
    /// double where the matrices are small or their numbers near the ends of float's range.
    /// </summary>
    public static Matrix<double> TimesLowerInSingle(Matrix<double> b, Matrix<double> lower)
    {
        if (Math.Min(b.Rows, b.Columns) < SingleSubspace.SmallestOrder || !FitsSingle(b) || !FitsSingle(lower)) return TimesLower(b, lower);
        var (product, triangle) = (new Matrix<float>(b.Rows, b.Columns), new Matrix<float>(lower.Rows, lower.Columns));
        Threads.For(b.Rows, i => TensorPrimitives.ConvertSaturating<double, float>(b.Row(i), product.Row(i)));
        Threads.For(lower.Rows, i => TensorPrimitives.ConvertSaturating<double, float>(lower.Row(i)[..(i + 1)], triangle.Row(i)));
        Triangular(OpenBlas.Strmm, Side.Right, OpenBlas.Lower, false, 1f, triangle, product);
        var wide = new Matrix<double>(b.Rows, b.Columns);
        Threads.For(b.Rows, i => TensorPrimitives.ConvertSaturating<float, double>(product.Row(i), wide.Row(i)));
        return wide;
    }

    // Products of two such numbers, and sums of them, are far from float's ends.
    private static bool FitsSingle(Matrix<double> a)
    {
        const double limit = 1e12;
        double most = Math.Abs(TensorPrimitives.MaxMagnitude<double>(a.Data));
        return most is > 1 / limit and < limit;
    }

    private static void Triangular<T>(
        TriangularCall<T> call, Side side, int triangle, bool transpose, T one, Matrix<T> a, MatrixSlice<T> b) where T : unmanaged
    {
        CheckSquare(a, nameof(a));
        int order = side == Side.Left ? b.Rows : b.Columns, count = side == Side.Left ? b.Columns : b.Rows;
        if (a.Rows != order)
            throw new ArgumentException($"A triangle of order {a.Rows} does not fit {b.Rows}x{b.Columns} from its side ({side}).", nameof(b));
        if (order == 0) return;
        BlasLibrary.Ready();
        Threads.For(Pieces(count, RightHandSides), (call, side, triangle, transpose, one, a, b, count), static (i, s) =>
        {
            int first = i * RightHandSides, width = Math.Min(RightHandSides, s.count - first);
            var part = s.side == Side.Left ? s.b.Part(0, s.b.Rows, first, width) : s.b.Part(first, width, 0, s.b.Columns);
            BlasLibrary.Ready();
            s.call(OpenBlas.RowMajor, s.side == Side.Left ? OpenBlas.Left : OpenBlas.Right, s.triangle, Transposed(s.transpose),
                OpenBlas.NonUnit, part.Rows, part.Columns, s.one, s.a.Data, s.a.Columns, part.Data, part.Stride);
        });
    }
}
