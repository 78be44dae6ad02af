namespace Quarank.Numerics;

public static partial class SymmetricEigen
{
    /// <inheritdoc cref="All(Matrix{double})"/>
    public static SymmetricEigen<float> All(Matrix<float> a)
    {
        var (vectors, n) = Copy(a);
        var values = new float[n];
        // The query answers in float and may lose the last digits of 2n², so the formula bounds it.
        var (lwork, liwork) = (1 + 6 * n + 2 * n * n, 3 + 5 * n);
        int info = 0, query = -1;
        if (n > 0)
        {
            Span<float> best = stackalloc float[1];
            Span<int> bestInteger = stackalloc int[1];
            OpenBlas.Ssyevd((byte)'V', (byte)'U', n, vectors.Data, n, values, best, query, bestInteger, query, ref info);
            (lwork, liwork) = (Math.Max(lwork, (int)best[0]), Math.Max(liwork, bestInteger[0]));
            OpenBlas.Ssyevd((byte)'V', (byte)'U', n, vectors.Data, n, values,
                new float[lwork], lwork, new int[liwork], liwork, ref info);
        }
        return Fall(values, vectors, n, info);
    }

    /// <inheritdoc cref="Top(Matrix{double}, int)"/>
    public static SymmetricEigen<float> Top(Matrix<float> a, int count)
    {
        if (count < 0 || count > a.Rows)
            throw new ArgumentOutOfRangeException(nameof(count), count, $"A matrix of order {a.Rows} has no {count} eigenpairs.");
        if (4L * count >= a.Rows) return First(All(a), count);
        var (copy, n) = Copy(a);
        var (values, vectors) = (new float[n], new Matrix<float>(count, n));
        var (lwork, liwork) = (26 * n, 10 * n);
        int info = 0, query = -1, found = 0, last = n, first = n - count + 1;
        if (count > 0)
        {
            Span<float> best = stackalloc float[1];
            Span<int> bestInteger = stackalloc int[1];
            var support = new int[2 * n];
            OpenBlas.Ssyevr((byte)'V', (byte)'I', (byte)'U', n, copy.Data, n, 0, 0, first, last, 0, ref found,
                values, vectors.Data, n, support, best, query, bestInteger, query, ref info);
            (lwork, liwork) = (Math.Max(lwork, (int)best[0]), Math.Max(liwork, bestInteger[0]));
            OpenBlas.Ssyevr((byte)'V', (byte)'I', (byte)'U', n, copy.Data, n, 0, 0, first, last, 0, ref found,
                values, vectors.Data, n, support, new float[lwork], lwork, new int[liwork], liwork, ref info);
        }
        return info != 0 || found != count ? First(All(a), count) : Fall(values[..count], vectors, count, info);
    }
}
