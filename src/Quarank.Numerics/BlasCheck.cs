using System.Runtime.CompilerServices;

namespace Quarank.Numerics;

/// <summary>
/// A few milliseconds of plain loops against the library before it is believed: some old builds compute wrong on processors newer
/// than themselves. Sizes cross the edges of every kernel's tile.
/// </summary>
internal static class BlasCheck
{
    public delegate void Product<T>(int m, int n, int k, T[] a, T[] b, T[] c);

    /// <summary>
    /// Single, Double: c = a·bᵀ. Factor: lower Cholesky of row-major n × n in place. Eigen: values rising, a becomes the vectors as rows.
    /// </summary>
    public sealed record Routines(
        Product<float> Single, Product<double> Double, Action<int, double[]> Factor, Action<int, double[], double[]> Eigen);

    public static readonly Routines Native = new(
        (m, n, k, a, b, c) =>
            OpenBlas.Sgemm(OpenBlas.RowMajor, OpenBlas.NoTranspose, OpenBlas.Transpose, m, n, k, 1, a, k, b, k, 0, c, n),
        (m, n, k, a, b, c) =>
            OpenBlas.Dgemm(OpenBlas.RowMajor, OpenBlas.NoTranspose, OpenBlas.Transpose, m, n, k, 1, a, k, b, k, 0, c, n),
        (n, a) =>
        {
            int info = 0;
            OpenBlas.Dpotrf((byte)'U', n, a, n, ref info); // column-major upper is row-major lower
        },
        (n, a, values) =>
        {
            int info = 0, size = 1 + 6 * n + 2 * n * n, integers = 3 + 5 * n;
            OpenBlas.Dsyevd((byte)'V', (byte)'U', n, a, n, values, new double[size], size, new int[integers], integers, ref info);
        });

    /// <exception cref="NotSupportedException">A routine is wrong.</exception>
    public static void Run(Routines routines, string library)
    {
        const int M = 67, N = 129, K = 35, Order = 77;
        var (a, b) = (Values(M * K), Values(N * K));
        var expected = PlainProduct(M, N, K, a, b);

        var single = new float[M * N];
        routines.Single(M, N, K, Array.ConvertAll(a, v => (float)v), Array.ConvertAll(b, v => (float)v), single);
        Require(Largest(expected, Array.ConvertAll(single, v => (double)v)) <= 1e-5, library, "a float product");

        var product = new double[M * N];
        routines.Double(M, N, K, a, b, product);
        Require(Largest(expected, product) <= 1e-13, library, "a double product");

        // b bᵀ + I is well conditioned: the factor and the eigenvectors must give it back.
        var gram = PlainProduct(Order, Order, K, b, b);
        for (int i = 0; i < Order; i++) gram[i * Order + i] += 1;
        var factor = (double[])gram.Clone();
        routines.Factor(Order, factor);
        for (int i = 0; i < Order; i++) factor.AsSpan(i * Order + i + 1, Order - i - 1).Clear();
        Require(Largest(gram, PlainProduct(Order, Order, Order, factor, factor)) <= 1e-12, library, "a Cholesky factorization");

        var (vectors, values) = ((double[])gram.Clone(), new double[Order]);
        routines.Eigen(Order, vectors, values);
        var images = PlainProduct(Order, Order, Order, vectors, gram);
        var (scaled, roots) = (new double[Order * Order], new double[Order * Order]);
        for (int i = 0; i < Order; i++)
            for (int j = 0; j < Order; j++)
            {
                scaled[i * Order + j] = values[i] * vectors[i * Order + j];
                roots[j * Order + i] = Math.Sqrt(values[i]) * vectors[i * Order + j];
            }
        Require(Largest(images, scaled) <= 1e-12 && Largest(gram, PlainProduct(Order, Order, Order, roots, roots)) <= 1e-12, library,
            "a symmetric eigenproblem");
    }

    private static void Require(bool right, string library, string what)
    {
        if (!right)
            throw new NotSupportedException($"{library} computes {what} wrongly on this processor. Update OpenBLAS, or choose other "
                + "kernels by the environment variable OPENBLAS_CORETYPE, for instance OPENBLAS_CORETYPE=Haswell (or Sandybridge).");
    }

    // Positive and negative, no two products alike, a fixed recurrence rather than a random generator.
    private static double[] Values(int count) =>
        [.. Enumerable.Range(1, count).Select(i => Math.Sin(1.7 * i) + 0.3 * Math.Cos(0.11 * i))];

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double[] PlainProduct(int m, int n, int k, double[] a, double[] b)
    {
        var c = new double[m * n];
        for (int i = 0; i < m; i++)
            for (int j = 0; j < n; j++)
            {
                double sum = 0;
                for (int t = 0; t < k; t++) sum += a[i * k + t] * b[j * k + t];
                c[i * n + j] = sum;
            }
        return c;
    }

    /// <summary>max |x − y| relative to max |x|; NaN counts as wrong, since no comparison with it holds.</summary>
    private static double Largest(double[] x, double[] y)
    {
        double difference = 0, size = 0;
        for (int i = 0; i < x.Length; i++)
        {
            difference = Math.Max(difference, Math.Abs(x[i] - y[i])); // Math.Max hands NaN on
            size = Math.Max(size, Math.Abs(x[i]));
        }
        return difference / size;
    }
}
