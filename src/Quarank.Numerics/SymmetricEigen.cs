using System.Numerics;
using System.Numerics.Tensors;

namespace Quarank.Numerics;

/// <summary>
/// Eigenvalues falling, and their orthonormal eigenvectors as rows; an eigenvector's entry of largest magnitude is positive.
/// Only the lower triangle of the matrix is read. LAPACK on the calling thread.
/// </summary>
public sealed record SymmetricEigen<T>(T[] Values, Matrix<T> Vectors) where T : unmanaged;

public static partial class SymmetricEigen
{
    /// <summary>The largest order whose workspace LAPACK's 32-bit lengths can count: 1 + 6n + 2n² below 2³¹.</summary>
    internal const int LargestOrder = 32_766;

    /// <summary>All eigenpairs, by divide and conquer (dsyevd).</summary>
    /// <exception cref="ArgumentException">The matrix is not square, not finite, or of an order above 32,766.</exception>
    public static SymmetricEigen<double> All(Matrix<double> a)
    {
        var (vectors, n) = Copy(a);
        var values = new double[n];
        var (lwork, liwork) = (1 + 6 * n + 2 * n * n, 3 + 5 * n);
        int info = 0, query = -1;
        if (n > 0)
        {
            Span<double> best = stackalloc double[1];
            Span<int> bestInteger = stackalloc int[1];
            OpenBlas.Dsyevd((byte)'V', (byte)'U', n, vectors.Data, n, values, best, query, bestInteger, query, ref info);
            (lwork, liwork) = (Math.Max(lwork, (int)best[0]), Math.Max(liwork, bestInteger[0]));
            OpenBlas.Dsyevd((byte)'V', (byte)'U', n, vectors.Data, n, values,
                new double[lwork], lwork, new int[liwork], liwork, ref info);
        }
        return Fall(values, vectors, n, info);
    }

    /// <summary>The eigenvalues alone, falling: a third of the work of <see cref="All(Matrix{double})"/>.</summary>
    /// <inheritdoc cref="All(Matrix{double})"/>
    public static double[] Values(Matrix<double> a)
    {
        var (copy, n) = Copy(a);
        var values = new double[n];
        int info = 0, work = Math.Max(1, 2 * n + 1), workInteger = 1, query = -1;
        if (n == 0) return values;
        Span<double> best = stackalloc double[1];
        Span<int> bestInteger = stackalloc int[1];
        OpenBlas.Dsyevd((byte)'N', (byte)'U', n, copy.Data, n, values, best, query, bestInteger, query, ref info);
        (work, workInteger) = (Math.Max(work, (int)best[0]), Math.Max(workInteger, bestInteger[0]));
        OpenBlas.Dsyevd((byte)'N', (byte)'U', n, copy.Data, n, values, new double[work], work, new int[workInteger], workInteger, ref info);
        if (info != 0) throw new InvalidOperationException($"The eigenproblem of order {n} did not converge (LAPACK {info}).");
        Array.Reverse(values);
        return values;
    }

    /// <summary>
    /// The <paramref name="count"/> largest eigenpairs: dsyevr below a quarter of the order, beyond it all and the top kept.
    /// </summary>
    /// <exception cref="ArgumentException">As <see cref="All(Matrix{double})"/>, or count is not within 0 … order.</exception>
    public static SymmetricEigen<double> Top(Matrix<double> a, int count)
    {
        if (count < 0 || count > a.Rows)
            throw new ArgumentOutOfRangeException(nameof(count), count, $"A matrix of order {a.Rows} has no {count} eigenpairs.");
        if (4L * count >= a.Rows) return First(All(a), count);
        var (copy, n) = Copy(a);
        var (values, vectors) = (new double[n], new Matrix<double>(count, n));
        var (lwork, liwork) = (26 * n, 10 * n);
        int info = 0, query = -1, found = 0, last = n, first = n - count + 1;
        if (count > 0)
        {
            Span<double> best = stackalloc double[1];
            Span<int> bestInteger = stackalloc int[1];
            var support = new int[2 * n];
            OpenBlas.Dsyevr((byte)'V', (byte)'I', (byte)'U', n, copy.Data, n, 0, 0, first, last, 0, ref found,
                values, vectors.Data, n, support, best, query, bestInteger, query, ref info);
            (lwork, liwork) = (Math.Max(lwork, (int)best[0]), Math.Max(liwork, bestInteger[0]));
            OpenBlas.Dsyevr((byte)'V', (byte)'I', (byte)'U', n, copy.Data, n, 0, 0, first, last, 0, ref found,
                values, vectors.Data, n, support, new double[lwork], lwork, new int[liwork], liwork, ref info);
        }
        // Inverse iteration may stop at clustered eigenvalues, which divide and conquer takes in its stride.
        return info != 0 || found != count ? First(All(a), count) : Fall(values[..count], vectors, count, info);
    }

    private static SymmetricEigen<T> First<T>(SymmetricEigen<T> all, int count) where T : unmanaged
    {
        int n = all.Vectors.Columns;
        return new(all.Values[..count], new Matrix<T>(count, n, all.Vectors.RowRange(0, count).ToArray()));
    }

    // A column-major upper triangle is a row-major lower one, and column-major columns are row-major rows.
    private static (Matrix<T> Copy, int Order) Copy<T>(Matrix<T> a) where T : unmanaged, IFloatingPoint<T>
    {
        if (a.Rows != a.Columns || a.Rows > LargestOrder)
            throw new ArgumentException(
                $"An eigenproblem needs a square matrix of an order up to {LargestOrder}, got {a.Rows}x{a.Columns}.", nameof(a));
        BlasLibrary.Ready();
        var copy = new Matrix<T>(a.Rows, a.Rows);
        for (int i = 0; i < a.Rows; i++)
        {
            var row = a.Row(i)[..(i + 1)];
            foreach (var value in row)
                if (!T.IsFinite(value)) throw new ArgumentException($"Row {i} of the matrix holds {value}.", nameof(a));
            row.CopyTo(copy.Row(i));
        }
        return (copy, a.Rows);
    }

    // From LAPACK's rising order to falling, and from either sign to one.
    private static SymmetricEigen<T> Fall<T>(T[] values, Matrix<T> vectors, int count, int info) where T : unmanaged, IFloatingPoint<T>
    {
        if (info != 0)
            throw new InvalidOperationException($"The eigenproblem of order {vectors.Columns} did not converge (LAPACK {info}).");
        Array.Reverse(values);
        for (int i = 0; i < count / 2; i++)
        {
            var upper = vectors.Row(i);
            var lower = vectors.Row(count - 1 - i);
            for (int j = 0; j < upper.Length; j++) (upper[j], lower[j]) = (lower[j], upper[j]);
        }
        for (int i = 0; i < count; i++)
        {
            var row = vectors.Row(i);
            int largest = TensorPrimitives.IndexOfMaxMagnitude<T>(row);
            if (T.IsNegative(row[largest])) TensorPrimitives.Negate<T>(row, row);
        }
        return new(values, vectors);
    }
}
