using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics;

public static partial class LinearAlgebra
{
    // Smaller tiles pack their operands too often: 256 reaches 86 % of the rate of one large product, 384 reaches 93 %.
    private const int GramTile = 384, GramTilesAcross = 3;

    // Longer sums are cut here, and the pieces meet in double.
    private const int GramTokens = 4096;

    /// <summary>
    /// sum += xᵀ·x, its lower triangle only, on the pool: products in float over at most 4,096 tokens, their sum in double.
    /// x is tokens × columns, sum columns × columns. A value in x that is not finite makes the diagonal, and so
    /// <see cref="Trace"/>, not finite.
    /// </summary>
    public static void AddGram(MatrixSlice<float> x, Matrix<double> sum)
    {
        CheckSquare(sum, nameof(sum));
        if (sum.Rows != x.Columns)
            throw new ArgumentException($"A Gram matrix of {x.Columns} columns is not {sum.Rows}x{sum.Columns}.", nameof(sum));
        BlasLibrary.Ready();
        int size = Math.Min(GramTile, Share(x.Columns, GramTilesAcross)), side = Pieces(x.Columns, size);
        Threads.For(side * (side + 1) / 2, (x, sum, size), static (tile, s) =>
        {
            var (i, j) = LowerTile(tile);
            AddGramTile(s.x, s.sum, s.size, i * s.size, j * s.size);
        });
    }

    private static void AddGramTile(MatrixSlice<float> x, Matrix<double> sum, int size, int i, int j)
    {
        BlasLibrary.Ready();
        var (height, width) = (Math.Min(size, x.Columns - i), Math.Min(size, x.Columns - j));
        float[] product = ArrayPool<float>.Shared.Rent(height * width);
        for (int t = 0; t < x.Rows; t += GramTokens)
        {
            int tokens = Math.Min(GramTokens, x.Rows - t);
            var left = x.Part(t, tokens, i, height).Data;
            var right = x.Part(t, tokens, j, width).Data;
            if (i == j)
            {
                OpenBlas.Ssyrk(OpenBlas.RowMajor, OpenBlas.Lower, OpenBlas.Transpose, height, tokens, 1, left, x.Stride, 0,
                    product, width);
            }
            else Gemm(true, false, height, width, tokens, 1, left, x.Stride, right, x.Stride, 0, product, width);
            for (int r = 0; r < height; r++)
                Add(product.AsSpan(r * width, i == j ? r + 1 : width), sum.Row(i + r)[j..]);
        }
        ArrayPool<float>.Shared.Return(product);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add(ReadOnlySpan<float> x, Span<double> sum)
    {
        sum = sum[..x.Length];
        ref float from = ref MemoryMarshal.GetReference(x);
        ref double to = ref MemoryMarshal.GetReference(sum);
        int i = 0;
        for (; i <= x.Length - 8; i += 8)
        {
            var (low, high) = Vector256.Widen(Vector256.LoadUnsafe(ref from, (nuint)i));
            (Vector256.LoadUnsafe(ref to, (nuint)i) + low).StoreUnsafe(ref to, (nuint)i);
            (Vector256.LoadUnsafe(ref to, (nuint)i + 4) + high).StoreUnsafe(ref to, (nuint)i + 4);
        }
        for (; i < x.Length; i++) sum[i] += x[i];
    }

    /// <summary>Writes the lower triangle into the upper one, on the pool.</summary>
    public static void Symmetrize<T>(Matrix<T> a) where T : unmanaged
    {
        CheckSquare(a, nameof(a));
        const int Tile = 64; // rows of a tile stay in the first cache while its columns are written
        int side = Pieces(a.Rows, Tile);
        Threads.For(side, a, static (tile, a) =>
        {
            var (first, last) = (tile * Tile, Math.Min(a.Rows, (tile + 1) * Tile));
            for (int column = 0; column < last; column += Tile)
                for (int i = first; i < last; i++)
                {
                    var row = a.Row(i);
                    for (int j = column; j < Math.Min(i, column + Tile); j++) a[j, i] = row[j];
                }
        });
    }

    /// <summary>The sum of the diagonal.</summary>
    public static double Trace(Matrix<double> a)
    {
        CheckSquare(a, nameof(a));
        double sum = 0;
        for (int i = 0; i < a.Rows; i++) sum += a[i, i];
        return sum;
    }

    /// <summary>Tiles on and below the diagonal, counted row by row.</summary>
    internal static (int Row, int Column) LowerTile(int tile)
    {
        int row = (int)((Math.Sqrt(8.0 * tile + 1) - 1) / 2);
        return (row, tile - row * (row + 1) / 2);
    }

    private static void CheckSquare<T>(Matrix<T> a, string name) where T : unmanaged
    {
        if (a.Rows != a.Columns) throw new ArgumentException($"A square matrix is needed, got {a.Rows}x{a.Columns}.", name);
    }
}
