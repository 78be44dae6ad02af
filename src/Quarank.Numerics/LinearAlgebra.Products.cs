using System.Runtime.CompilerServices;

namespace Quarank.Numerics;

public static partial class LinearAlgebra
{
    /// <summary>a · bᵀ, on the pool. a is m × k, b is n × k.</summary>
    public static Matrix<float> MultiplyTransposed(MatrixSlice<float> a, MatrixSlice<float> b) => Product(a, false, b, true);

    /// <inheritdoc cref="MultiplyTransposed(MatrixSlice{float}, MatrixSlice{float})"/>
    public static Matrix<double> MultiplyTransposed(MatrixSlice<double> a, MatrixSlice<double> b) => Product(a, false, b, true);

    /// <summary>c = a · bᵀ, on the pool. a is m × k, b is n × k, c is m × n and shares no memory with them.</summary>
    public static void MultiplyTransposed(MatrixSlice<float> a, MatrixSlice<float> b, MatrixSlice<float> c) =>
        Product(a, false, b, true, c);

    /// <inheritdoc cref="MultiplyTransposed(MatrixSlice{float}, MatrixSlice{float}, MatrixSlice{float})"/>
    public static void MultiplyTransposed(MatrixSlice<double> a, MatrixSlice<double> b, MatrixSlice<double> c) =>
        Product(a, false, b, true, c);

    /// <summary>a · b, on the pool. a is m × k, b is k × n.</summary>
    public static Matrix<float> Multiply(MatrixSlice<float> a, MatrixSlice<float> b) => Product(a, false, b, false);

    /// <inheritdoc cref="Multiply(MatrixSlice{float}, MatrixSlice{float})"/>
    public static Matrix<double> Multiply(MatrixSlice<double> a, MatrixSlice<double> b) => Product(a, false, b, false);

    /// <summary>c = a · b, on the pool. a is m × k, b is k × n, c is m × n and shares no memory with them.</summary>
    public static void Multiply(MatrixSlice<float> a, MatrixSlice<float> b, MatrixSlice<float> c) =>
        Product(a, false, b, false, c);

    /// <inheritdoc cref="Multiply(MatrixSlice{float}, MatrixSlice{float}, MatrixSlice{float})"/>
    public static void Multiply(MatrixSlice<double> a, MatrixSlice<double> b, MatrixSlice<double> c) =>
        Product(a, false, b, false, c);

    /// <summary>aᵀ · b, on the pool. a is k × m, b is k × n.</summary>
    public static Matrix<float> TransposeMultiply(MatrixSlice<float> a, MatrixSlice<float> b) => Product(a, true, b, false);

    /// <inheritdoc cref="TransposeMultiply(MatrixSlice{float}, MatrixSlice{float})"/>
    public static Matrix<double> TransposeMultiply(MatrixSlice<double> a, MatrixSlice<double> b) => Product(a, true, b, false);

    /// <summary>c = aᵀ · b, on the pool. a is k × m, b is k × n, c is m × n and shares no memory with them.</summary>
    public static void TransposeMultiply(MatrixSlice<float> a, MatrixSlice<float> b, MatrixSlice<float> c) =>
        Product(a, true, b, false, c);

    /// <inheritdoc cref="TransposeMultiply(MatrixSlice{float}, MatrixSlice{float}, MatrixSlice{float})"/>
    public static void TransposeMultiply(MatrixSlice<double> a, MatrixSlice<double> b, MatrixSlice<double> c) =>
        Product(a, true, b, false, c);

    /// <summary>
    /// c = op(a) · op(b), or c += op(a) · op(b), on the pool, for code that is written once for float and double. c shares no memory with a and b.
    /// </summary>
    /// <exception cref="NotSupportedException">T is neither float nor double.</exception>
    public static void Product<T>(MatrixSlice<T> a, bool transposeA, MatrixSlice<T> b, bool transposeB, MatrixSlice<T> c, bool add = false)
        where T : unmanaged
    {
        if (typeof(T) != typeof(float) && typeof(T) != typeof(double))
            throw new NotSupportedException($"Products are made of float or double, not of {typeof(T).Name}.");
        Tiled(a, transposeA, b, transposeB, c, add);
    }

    private static Matrix<T> Product<T>(MatrixSlice<T> a, bool transposeA, MatrixSlice<T> b, bool transposeB) where T : unmanaged
    {
        var c = new Matrix<T>(transposeA ? a.Columns : a.Rows, transposeB ? b.Rows : b.Columns);
        Tiled<T>(a, transposeA, b, transposeB, c, false);
        return c;
    }

    private static void Tiled<T>(MatrixSlice<T> a, bool transposeA, MatrixSlice<T> b, bool transposeB, MatrixSlice<T> c, bool add)
        where T : unmanaged
    {
        var (m, k) = transposeA ? (a.Columns, a.Rows) : (a.Rows, a.Columns);
        var (inner, n) = transposeB ? (b.Columns, b.Rows) : (b.Rows, b.Columns);
        if (k != inner || c.Rows != m || c.Columns != n)
            throw new ArgumentException($"No product of {m}x{k} and {inner}x{n} into {c.Rows}x{c.Columns}.", nameof(c));
        BlasLibrary.Ready();
        var (height, width) = TileShape(m, n);
        int across = Pieces(n, width);
        var tiles = new Tiles<T>(a, transposeA, b, transposeB, c, k, height, width, across, add);
        Threads.For(Pieces(m, height) * across, tiles, static (tile, t) => t.Compute(tile));
    }

    /// <summary>
    /// Large enough that packing the operands again for every tile costs little (some 5 %), small and even enough that the
    /// threads end together. A function of the shape alone, so that the result is one of the shape alone.
    /// </summary>
    internal static (int Height, int Width) TileShape(int m, int n)
    {
        const int Largest = 512, Smallest = 96, Wanted = 8;
        var (down, across) = (Pieces(m, Largest), Pieces(n, Largest));
        while (down * across is > 0 and < Wanted && Math.Max(m / down, n / across) >= 2 * Smallest)
        {
            if (m / down > n / across) down *= 2;
            else across *= 2;
        }
        return (Share(m, down), Share(n, across));
    }

    /// <summary>The length of the larger of equal pieces, in whole cache lines.</summary>
    internal static int Share(int length, int pieces) => length == 0 ? 1 : (Pieces(length, pieces) + 15) / 16 * 16;

    internal static int Pieces(int length, int piece) => length == 0 ? 0 : (length - 1) / piece + 1;

    private readonly record struct Tiles<T>(MatrixSlice<T> A, bool TransposeA, MatrixSlice<T> B, bool TransposeB, MatrixSlice<T> C,
        int K, int Height, int Width, int Across, bool Add) where T : unmanaged
    {
        public void Compute(int tile)
        {
            var (i, j) = (tile / Across * Height, tile % Across * Width);
            var (rows, columns) = (Math.Min(Height, C.Rows - i), Math.Min(Width, C.Columns - j));
            Gemm(TransposeA, TransposeB, rows, columns, K,
                TransposeA ? A.Part(0, K, i, rows) : A.Part(i, rows, 0, K),
                TransposeB ? B.Part(j, columns, 0, K) : B.Part(0, K, j, columns), C.Part(i, rows, j, columns), Add ? 1 : 0);
        }
    }

    /// <summary>c = op(a) · op(b) + beta · c on the calling thread.</summary>
    private static void Gemm<T>(bool transposeA, bool transposeB, int m, int n, int k,
        MatrixSlice<T> a, MatrixSlice<T> b, MatrixSlice<T> c, int beta = 0) where T : unmanaged
    {
        if (typeof(T) == typeof(float))
        {
            var (x, y, z) = (As<T, float>(a), As<T, float>(b), As<T, float>(c));
            Gemm(transposeA, transposeB, m, n, k, 1, x.Data, x.Stride, y.Data, y.Stride, beta, z.Data, z.Stride);
        }
        else
        {
            var (x, y, z) = (As<T, double>(a), As<T, double>(b), As<T, double>(c));
            Gemm(transposeA, transposeB, m, n, k, 1, x.Data, x.Stride, y.Data, y.Stride, beta, z.Data, z.Stride);
        }
    }

    // For the compiler only: T is TTo.
    private static MatrixSlice<TTo> As<T, TTo>(MatrixSlice<T> slice) where T : unmanaged where TTo : unmanaged =>
        Unsafe.BitCast<MatrixSlice<T>, MatrixSlice<TTo>>(slice);
}
