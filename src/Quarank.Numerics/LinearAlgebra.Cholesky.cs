namespace Quarank.Numerics;

public static partial class LinearAlgebra
{
    // Up to the first order LAPACK takes the whole; beyond it the pool shares the work out, a step of so many columns after the other.
    private const int CholeskyWhole = 768, CholeskyStep = 256, CholeskyTile = 384;

    /// <summary>
    /// a = L·Lᵀ with L lower triangular (zeros above). False if a, of which only the lower triangle is read, is not positive
    /// definite to working precision or not finite; then <paramref name="failedPivot"/> (from 0) is the first column that has no
    /// root, and <paramref name="lower"/> is of no use.
    /// </summary>
    public static bool TryCholesky(Matrix<double> a, out Matrix<double> lower, out int failedPivot)
    {
        CheckSquare(a, nameof(a));
        lower = LowerCopy(a);
        return TryCholeskyInPlace(lower, out failedPivot);
    }

    /// <inheritdoc cref="TryCholesky(Matrix{double}, out Matrix{double}, out int)"/>
    public static bool TryCholesky(Matrix<float> a, out Matrix<float> lower, out int failedPivot)
    {
        CheckSquare(a, nameof(a));
        lower = LowerCopy(a);
        return TryCholeskyInPlace(lower, out failedPivot);
    }

    /// <summary>
    /// As <see cref="TryCholesky(Matrix{double}, out Matrix{double}, out int)"/>, L in the place of a's lower triangle; what is above the
    /// diagonal stays as it is, and is not read. On the pool.
    /// </summary>
    public static bool TryCholeskyInPlace<T>(Matrix<T> a, out int failedPivot) where T : unmanaged, System.Numerics.IFloatingPoint<T>
    {
        CheckSquare(a, nameof(a));
        BlasLibrary.Ready();
        int n = a.Rows, step = n <= CholeskyWhole ? n : CholeskyStep;
        failedPivot = -1;
        for (int k = 0; k < n; k += step)
        {
            int width = Math.Min(step, n - k), after = k + width, info = Root(new MatrixSlice<T>(a, k, width, k, width));
            for (int i = 0; info == 0 && i < width; i++)
                if (!T.IsFinite(a[k + i, k + i])) info = i + 1;
            if (info != 0)
            {
                failedPivot = k + info - 1;
                return false;
            }
            // The columns below the square, then what they take from all that is right of them.
            Threads.For(Pieces(n - after, RightHandSides), (a, k, width, after), static (piece, s) =>
            {
                int first = s.after + piece * RightHandSides, rows = Math.Min(RightHandSides, s.a.Rows - first);
                Below(new MatrixSlice<T>(s.a, s.k, s.width, s.k, s.width), new MatrixSlice<T>(s.a, first, rows, s.k, s.width));
            });
            int side = Pieces(n - after, CholeskyTile);
            Threads.For(side * (side + 1) / 2, (a, k, width, after), static (tile, s) =>
            {
                var (i, j) = LowerTile(tile);
                (i, j) = (s.after + i * CholeskyTile, s.after + j * CholeskyTile);
                var (rows, columns) = (Math.Min(CholeskyTile, s.a.Rows - i), Math.Min(CholeskyTile, s.a.Rows - j));
                Subtract(i == j, new MatrixSlice<T>(s.a, i, rows, s.k, s.width), new MatrixSlice<T>(s.a, j, columns, s.k, s.width),
                    new MatrixSlice<T>(s.a, i, rows, j, columns));
            });
        }
        return true;
    }

    // A column-major upper triangle is a row-major lower one.
    private static int Root<T>(MatrixSlice<T> a) where T : unmanaged
    {
        int info = 0;
        if (a.Rows == 0) return 0;
        if (typeof(T) == typeof(float)) OpenBlas.Spotrf((byte)'U', a.Rows, As<T, float>(a).Data, a.Stride, ref info);
        else OpenBlas.Dpotrf((byte)'U', a.Rows, As<T, double>(a).Data, a.Stride, ref info);
        return info;
    }

    // b := b·L⁻ᵀ
    private static void Below<T>(MatrixSlice<T> lower, MatrixSlice<T> b) where T : unmanaged
    {
        BlasLibrary.Ready();
        if (typeof(T) == typeof(float))
            OpenBlas.Strsm(OpenBlas.RowMajor, OpenBlas.Right, OpenBlas.Lower, OpenBlas.Transpose, OpenBlas.NonUnit, b.Rows, b.Columns, 1,
                As<T, float>(lower).Data, lower.Stride, As<T, float>(b).Data, b.Stride);
        else
            OpenBlas.Dtrsm(OpenBlas.RowMajor, OpenBlas.Right, OpenBlas.Lower, OpenBlas.Transpose, OpenBlas.NonUnit, b.Rows, b.Columns, 1,
                As<T, double>(lower).Data, lower.Stride, As<T, double>(b).Data, b.Stride);
    }

    // c −= x·yᵀ; of a square on the diagonal, where x is y, the lower triangle.
    private static void Subtract<T>(bool square, MatrixSlice<T> x, MatrixSlice<T> y, MatrixSlice<T> c) where T : unmanaged
    {
        BlasLibrary.Ready();
        if (typeof(T) == typeof(float))
        {
            var (a, b, d) = (As<T, float>(x), As<T, float>(y), As<T, float>(c));
            if (square) OpenBlas.Ssyrk(OpenBlas.RowMajor, OpenBlas.Lower, OpenBlas.NoTranspose, a.Rows, a.Columns, -1, a.Data, a.Stride, 1, d.Data, d.Stride);
            else Gemm(false, true, a.Rows, b.Rows, a.Columns, -1, a.Data, a.Stride, b.Data, b.Stride, 1, d.Data, d.Stride);
        }
        else
        {
            var (a, b, d) = (As<T, double>(x), As<T, double>(y), As<T, double>(c));
            if (square) OpenBlas.Dsyrk(OpenBlas.RowMajor, OpenBlas.Lower, OpenBlas.NoTranspose, a.Rows, a.Columns, -1, a.Data, a.Stride, 1, d.Data, d.Stride);
            else Gemm(false, true, a.Rows, b.Rows, a.Columns, -1, a.Data, a.Stride, b.Data, b.Stride, 1, d.Data, d.Stride);
        }
    }

    /// <summary>L⁻¹ of a lower triangular L without zeros on its diagonal.</summary>
    /// <exception cref="ArgumentException">A diagonal entry is zero.</exception>
    public static Matrix<double> InvertLower(Matrix<double> lower)
    {
        CheckSquare(lower, nameof(lower));
        BlasLibrary.Ready();
        var inverse = LowerCopy(lower);
        int n = lower.Rows, info = 0;
        if (n > 0) OpenBlas.Dtrtri((byte)'U', (byte)'N', n, inverse.Data, n, ref info);
        if (info > 0)
            throw new ArgumentException($"A triangular matrix with a zero at ({info - 1}, {info - 1}) has no inverse.", nameof(lower));
        return inverse;
    }

    /// <summary>
    /// Rows (at most as many as columns) := an orthonormal basis of what they span and, where they depend on each other, beyond it.
    /// </summary>
    internal static void OrthonormalizeRows(Matrix<double> a)
    {
        BlasLibrary.Ready();
        // Row-major rows are column-major columns: Householder's Q R.
        int m = a.Columns, n = a.Rows, info = 0, size = 64 * n;
        var (tau, work) = (new double[n], new double[size]);
        OpenBlas.Dgeqrf(m, n, a.Data, m, tau, work, size, ref info);
        OpenBlas.Dorgqr(m, n, n, a.Data, m, tau, work, size, ref info);
    }

    private static Matrix<T> LowerCopy<T>(Matrix<T> a) where T : unmanaged
    {
        var copy = new Matrix<T>(a.Rows, a.Columns);
        for (int i = 0; i < a.Rows; i++) a.Row(i)[..(i + 1)].CopyTo(copy.Row(i));
        return copy;
    }
}
