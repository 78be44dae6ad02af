namespace Quarank.Numerics;

public static partial class LinearAlgebra
{
    /// <summary>
    /// a = L·Lᵀ with L lower triangular (zeros above). False if a, of which only the lower triangle is read, is not positive
    /// definite to working precision or not finite; then <paramref name="failedPivot"/> (from 0) is the first column that has no
    /// root, and <paramref name="lower"/> is of no use.
    /// </summary>
    public static bool TryCholesky(Matrix<double> a, out Matrix<double> lower, out int failedPivot)
    {
        CheckSquare(a, nameof(a));
        BlasLibrary.Ready();
        lower = LowerCopy(a);
        int n = a.Rows, info = 0;
        // A column-major upper triangle is a row-major lower one.
        if (n > 0) OpenBlas.Dpotrf((byte)'U', n, lower.Data, n, ref info);
        failedPivot = info - 1;
        for (int i = 0; info == 0 && i < n; i++)
            if (!double.IsFinite(lower[i, i])) (info, failedPivot) = (i + 1, i);
        return info == 0;
    }

    /// <inheritdoc cref="TryCholesky(Matrix{double}, out Matrix{double}, out int)"/>
    public static bool TryCholesky(Matrix<float> a, out Matrix<float> lower, out int failedPivot)
    {
        CheckSquare(a, nameof(a));
        BlasLibrary.Ready();
        lower = LowerCopy(a);
        int n = a.Rows, info = 0;
        if (n > 0) OpenBlas.Spotrf((byte)'U', n, lower.Data, n, ref info);
        failedPivot = info - 1;
        for (int i = 0; info == 0 && i < n; i++)
            if (!float.IsFinite(lower[i, i])) (info, failedPivot) = (i + 1, i);
        return info == 0;
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
