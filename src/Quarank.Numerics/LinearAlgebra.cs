namespace Quarank.Numerics;

/// <summary>
/// The dense linear algebra the methods need, on top of a native BLAS and LAPACK. Products are cut into tiles of a fixed size
/// that the pool shares out; factorizations run on the calling thread. Either way the result does not depend on
/// <see cref="Threads.Count"/>.
/// </summary>
public static partial class LinearAlgebra
{
    /// <summary>
    /// c = alpha · op(a) · op(b) + beta · c on the calling thread, for code that cuts its own tiles. op(a) is m × k, op(b) k × n,
    /// c m × n, all row-major with the given row strides. With beta = 0 c is not read.
    /// </summary>
    public static void Gemm(bool transposeA, bool transposeB, int m, int n, int k, float alpha,
        ReadOnlySpan<float> a, int strideA, ReadOnlySpan<float> b, int strideB, float beta, Span<float> c, int strideC)
    {
        if (!CheckGemm(transposeA, transposeB, m, n, k, a.Length, strideA, b.Length, strideB, c.Length, strideC)) return;
        if (k == 0) for (int i = 0; i < m; i++) Scale(c.Slice(i * strideC, n), beta);
        else
            OpenBlas.Sgemm(OpenBlas.RowMajor, Transposed(transposeA), Transposed(transposeB), m, n, k, alpha, a, strideA, b, strideB,
                beta, c, strideC);
    }

    /// <inheritdoc cref="Gemm(bool, bool, int, int, int, float, ReadOnlySpan{float}, int, ReadOnlySpan{float}, int, float, Span{float}, int)"/>
    public static void Gemm(bool transposeA, bool transposeB, int m, int n, int k, double alpha,
        ReadOnlySpan<double> a, int strideA, ReadOnlySpan<double> b, int strideB, double beta, Span<double> c, int strideC)
    {
        if (!CheckGemm(transposeA, transposeB, m, n, k, a.Length, strideA, b.Length, strideB, c.Length, strideC)) return;
        if (k == 0) for (int i = 0; i < m; i++) Scale(c.Slice(i * strideC, n), beta);
        else
            OpenBlas.Dgemm(OpenBlas.RowMajor, Transposed(transposeA), Transposed(transposeB), m, n, k, alpha, a, strideA, b, strideB,
                beta, c, strideC);
    }

    // The one place where managed lengths meet native pointers: a wrong one must never reach the library.
    private static bool CheckGemm(bool transposeA, bool transposeB, int m, int n, int k,
        int a, int strideA, int b, int strideB, int c, int strideC)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(m);
        ArgumentOutOfRangeException.ThrowIfNegative(n);
        ArgumentOutOfRangeException.ThrowIfNegative(k);
        CheckOperand("a", transposeA ? (k, m) : (m, k), strideA, a);
        CheckOperand("b", transposeB ? (n, k) : (k, n), strideB, b);
        CheckOperand("c", (m, n), strideC, c);
        BlasLibrary.Ready();
        return m > 0 && n > 0;
    }

    private static void CheckOperand(string name, (int Rows, int Columns) shape, int stride, int length)
    {
        if (shape.Rows == 0 || shape.Columns == 0) return;
        long needed = (shape.Rows - 1L) * stride + shape.Columns;
        if (stride < shape.Columns || length < needed)
            throw new ArgumentException(
                $"{name} is {shape.Rows}x{shape.Columns} with row stride {stride} and needs {needed} values, got {length}.", name);
    }

    private static int Transposed(bool transpose) => transpose ? OpenBlas.Transpose : OpenBlas.NoTranspose;

    private static void Scale<T>(Span<T> row, T factor) where T : unmanaged, System.Numerics.INumber<T>
    {
        if (T.IsZero(factor)) row.Clear();
        else System.Numerics.Tensors.TensorPrimitives.Multiply(row, factor, row);
    }
}
