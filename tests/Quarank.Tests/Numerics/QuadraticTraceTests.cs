using Quarank.Numerics;
using Xunit;

namespace Quarank.Tests.Numerics;

[Collection(nameof(ThreadsTests))]
public sealed class QuadraticTraceTests : IDisposable
{
    private readonly int _before = Threads.Count;

    public void Dispose() => Threads.Count = _before;

    private static double ByLoops(Matrix<float> a, Matrix<double> h)
    {
        var wide = Plain.ToDouble(a);
        var product = Plain.Product(wide, h);
        double sum = 0;
        for (int i = 0; i < product.Data.Length; i++) sum += product.Data[i] * wide.Data[i];
        return sum;
    }

    private static Matrix<double> Gram(int n, int seed) => LinearAlgebra.SyrkTransposed(Plain.Random(2 * n, n, seed));

    [Theory, InlineData(1, 1), InlineData(70, 33), InlineData(20, 200), InlineData(130, 385)]
    public void It_is_the_sum_of_squares_of_what_the_rows_make_of_the_inputs(int m, int n)
    {
        var (a, h) = (Plain.ToSingle(Plain.Random(m, n, 1)), Gram(n, 2));
        double expected = ByLoops(a, h);
        Assert.Equal(expected, LinearAlgebra.QuadraticTrace(a, h), 2e-6 * expected);
        for (int i = 0; i < n; i++) h.Row(i)[(i + 1)..].Fill(double.NaN); // the lower triangle is enough
        Assert.Equal(expected, LinearAlgebra.QuadraticTrace(a, h), 2e-6 * expected);
    }

    [Fact]
    public void Rows_that_avoid_a_massive_direction_are_measured_in_double()
    {
        int n = 200;
        var (a, h) = (Plain.ToSingle(Plain.Random(50, n, 3)), Gram(n, 4));
        for (int i = 0; i < 50; i++) a[i, 1] = -a[i, 0] + 1e-6f * i; // nearly orthogonal to the direction (1, 1, 0, …)
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < 2; j++) h[i, j] += 1e8;
        double expected = ByLoops(a, h);
        Assert.Equal(expected, LinearAlgebra.QuadraticTrace(a, h), 1e-10 * expected);
    }

    [Fact]
    public void The_same_bits_at_any_thread_count()
    {
        var (a, h) = (Plain.ToSingle(Plain.Random(64, 500, 5)), Gram(500, 6));
        double Trace(int threads)
        {
            Threads.Count = threads;
            return LinearAlgebra.QuadraticTrace(a, h);
        }
        double expected = Trace(1);
        Assert.Equal(expected, Trace(2));
        Assert.Equal(expected, Trace(5));
    }

    [Fact]
    public void Zeros_have_none_and_other_sizes_are_refused()
    {
        Assert.Equal(0, LinearAlgebra.QuadraticTrace(new Matrix<float>(4, 3), Gram(3, 7)));
        Assert.Throws<ArgumentException>(() => LinearAlgebra.QuadraticTrace(new Matrix<float>(4, 2), Gram(3, 7)));
        Assert.Throws<ArgumentException>(() => LinearAlgebra.QuadraticTrace(new Matrix<float>(4, 3), new Matrix<double>(3, 4)));
    }
}
