namespace Quarank.Numerics;

public static partial class LinearAlgebra
{
    // Squares on the diagonal cost half of those off it; smaller ones pack their operands too often.
    private const int SyrkTile = 192;

    /// <summary>a·aᵀ, full and exactly symmetric, on the pool at half the cost of a product.</summary>
    public static Matrix<double> Syrk(MatrixSlice<double> a) => Symmetric(a, false);

    /// <inheritdoc cref="Syrk(MatrixSlice{double})"/>
    public static Matrix<float> Syrk(MatrixSlice<float> a) => Symmetric(a, false);

    /// <summary>aᵀ·a, full and exactly symmetric, on the pool at half the cost of a product.</summary>
    public static Matrix<double> SyrkTransposed(MatrixSlice<double> a) => Symmetric(a, true);

    /// <inheritdoc cref="SyrkTransposed(MatrixSlice{double})"/>
    public static Matrix<float> SyrkTransposed(MatrixSlice<float> a) => Symmetric(a, true);

    private static Matrix<T> Symmetric<T>(MatrixSlice<T> a, bool transpose) where T : unmanaged
    {
        BlasLibrary.Ready();
        var (n, k) = transpose ? (a.Columns, a.Rows) : (a.Rows, a.Columns);
        var c = new Matrix<T>(n, n);
        int side = Pieces(n, SyrkTile);
        Threads.For(side * (side + 1) / 2, (a, c, n, k, transpose), static (tile, s) =>
        {
            var (row, column) = LowerTile(tile);
            var (i, j) = (row * SyrkTile, column * SyrkTile);
            var (height, width) = (Math.Min(SyrkTile, s.n - i), Math.Min(SyrkTile, s.n - j));
            var left = s.transpose ? s.a.Part(0, s.k, i, height) : s.a.Part(i, height, 0, s.k);
            var right = s.transpose ? s.a.Part(0, s.k, j, width) : s.a.Part(j, width, 0, s.k);
            var to = new MatrixSlice<T>(s.c, i, height, j, width);
            if (i == j) Square(s.transpose, height, s.k, left, to);
            else Gemm(s.transpose, !s.transpose, height, width, s.k, left, right, to);
        });
        Symmetrize(c);
        return c;
    }

    /// <summary>The lower triangle of c = op(a) · op(a)ᵀ on the calling thread.</summary>
    private static void Square<T>(bool transpose, int n, int k, MatrixSlice<T> a, MatrixSlice<T> c) where T : unmanaged
    {
        if (k == 0) return; // c is new, and stays zero
        BlasLibrary.Ready();
        if (typeof(T) == typeof(float))
        {
            var (x, z) = (As<T, float>(a), As<T, float>(c));
            OpenBlas.Ssyrk(OpenBlas.RowMajor, OpenBlas.Lower, Transposed(transpose), n, k, 1, x.Data, x.Stride, 0, z.Data, z.Stride);
        }
        else
        {
            var (x, z) = (As<T, double>(a), As<T, double>(c));
            OpenBlas.Dsyrk(OpenBlas.RowMajor, OpenBlas.Lower, Transposed(transpose), n, k, 1, x.Data, x.Stride, 0, z.Data, z.Stride);
        }
    }
}
