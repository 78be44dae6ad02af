namespace Quarank.Numerics;

public static partial class LinearAlgebra
{
    private const int SyrkTile = 256;

    /// <summary>a·aᵀ, full and exactly symmetric, on the pool at half the cost of a product.</summary>
    public static Matrix<double> Syrk(MatrixSlice<double> a) => Symmetric(a, false);

    /// <summary>aᵀ·a, full and exactly symmetric, on the pool at half the cost of a product.</summary>
    public static Matrix<double> SyrkTransposed(MatrixSlice<double> a) => Symmetric(a, true);

    private static Matrix<double> Symmetric(MatrixSlice<double> a, bool transpose)
    {
        BlasLibrary.Ready();
        var (n, k) = transpose ? (a.Columns, a.Rows) : (a.Rows, a.Columns);
        var c = new Matrix<double>(n, n);
        int side = Pieces(n, SyrkTile);
        Threads.For(side * (side + 1) / 2, (a, c, n, k, transpose), static (tile, s) =>
        {
            var (row, column) = LowerTile(tile);
            var (i, j) = (row * SyrkTile, column * SyrkTile);
            var (height, width) = (Math.Min(SyrkTile, s.n - i), Math.Min(SyrkTile, s.n - j));
            var left = s.transpose ? s.a.Part(0, s.k, i, height) : s.a.Part(i, height, 0, s.k);
            var right = s.transpose ? s.a.Part(0, s.k, j, width) : s.a.Part(j, width, 0, s.k);
            Gemm(s.transpose, !s.transpose, height, width, s.k, left, right, new MatrixSlice<double>(s.c, i, height, j, width));
        });
        Symmetrize(c);
        return c;
    }
}
