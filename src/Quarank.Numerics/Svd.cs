namespace Quarank.Numerics;

/// <summary>
/// A thin singular value decomposition a = U · diag(Values) · Vt, values falling (dgesdd). Slow beside <see cref="TopRank"/>:
/// it is the tests' second opinion and serves small matrices.
/// </summary>
public sealed record Svd(Matrix<double> U, double[] Values, Matrix<double> Vt)
{
    /// <exception cref="ArgumentException">The matrix holds a value that is not finite.</exception>
    public static Svd Of(Matrix<double> a)
    {
        if (!double.IsFinite(System.Numerics.Tensors.TensorPrimitives.Sum<double>(a.Data)))
            throw new ArgumentException("The matrix is not finite.", nameof(a));
        BlasLibrary.Ready();
        // Row-major a is column-major aᵀ = V Σ Uᵀ: LAPACK's U, read row-major, is our Vᵀ, and its Vᵀ our U.
        int m = a.Columns, n = a.Rows, k = Math.Min(m, n), info = 0, query = -1;
        var (u, vt, values) = (new Matrix<double>(n, k), new Matrix<double>(k, m), new double[k]);
        if (k == 0) return new(u, values, vt);
        Span<double> best = stackalloc double[1];
        var (copy, integers) = (a.Clone(), new int[8 * k]);
        OpenBlas.Dgesdd((byte)'S', m, n, copy.Data, m, values, vt.Data, m, u.Data, k, best, query, integers, ref info);
        int size = Math.Max((int)best[0], 4 * k * k + 7 * k + Math.Max(m, n));
        OpenBlas.Dgesdd((byte)'S', m, n, copy.Data, m, values, vt.Data, m, u.Data, k, new double[size], size, integers, ref info);
        if (info != 0) throw new InvalidOperationException($"The singular value decomposition of {n}x{m} did not converge (LAPACK {info}).");
        return new(u, values, vt);
    }
}
