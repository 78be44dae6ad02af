using Quarank.Numerics;
using Xunit;

namespace Quarank.Tests.Numerics;

[Collection(nameof(ThreadsTests))]
public sealed class GramTests : IDisposable
{
    private readonly int _before = Threads.Count;

    public void Dispose() => Threads.Count = _before;

    [Theory, InlineData(5, 1), InlineData(33, 70), InlineData(50, 577), InlineData(4100, 20)]
    public void Batches_add_up_to_the_plain_sum(int tokens, int columns)
    {
        var (x, y) = (Plain.Random(tokens, columns, 1), Plain.Random(7, columns, 2));
        var sum = new Matrix<double>(columns, columns);
        LinearAlgebra.AddGram(Plain.ToSingle(x), sum);
        LinearAlgebra.AddGram(Plain.ToSingle(y), sum);
        for (int i = 0; i < columns; i++)
            for (int j = i + 1; j < columns; j++) Assert.Equal(0, sum[i, j]);
        LinearAlgebra.Symmetrize(sum);

        var expected = Plain.Product(Plain.Transpose(x), x);
        var second = Plain.Product(Plain.Transpose(y), y);
        for (int i = 0; i < expected.Data.Length; i++) expected.Data[i] += second.Data[i];
        Assert.InRange(Plain.Error(expected, sum), 0, 1e-6); // float products
        for (int i = 0; i < columns; i++)
            for (int j = 0; j < i; j++) Assert.Equal(sum[i, j], sum[j, i]);
        Assert.Equal(Enumerable.Range(0, columns).Sum(i => sum[i, i]), LinearAlgebra.Trace(sum), 1e-9 * LinearAlgebra.Trace(sum));
    }

    [Fact]
    public void Small_batches_are_not_lost_beside_a_large_sum()
    {
        var sum = new Matrix<double>(1, 1);
        sum[0, 0] = 1e9;
        for (int i = 0; i < 1000; i++) LinearAlgebra.AddGram(new Matrix<float>(1, 1, [0.125f]), sum); // float would keep 1e9 exactly
        Assert.Equal(1e9 + 1000 * 0.015625, sum[0, 0]);
    }

    [Fact]
    public void The_same_bits_at_any_thread_count()
    {
        var x = Plain.ToSingle(Plain.Random(200, 700, 3));
        double[] Sum(int threads)
        {
            Threads.Count = threads;
            var sum = new Matrix<double>(700, 700);
            LinearAlgebra.AddGram(x, sum);
            LinearAlgebra.Symmetrize(sum);
            return sum.Data.ToArray();
        }
        var expected = Sum(1);
        Assert.Equal(expected, Sum(2));
        Assert.Equal(expected, Sum(5));
    }

    [Theory, InlineData(float.NaN), InlineData(float.PositiveInfinity), InlineData(1e30f)]
    public void A_value_that_is_not_finite_shows_in_the_trace(float bad)
    {
        var x = Plain.ToSingle(Plain.Random(20, 300, 4));
        x[13, 271] = bad;
        var sum = new Matrix<double>(300, 300);
        LinearAlgebra.AddGram(x, sum);
        Assert.False(double.IsFinite(LinearAlgebra.Trace(sum)));
    }

    [Fact]
    public void A_sum_of_another_size_is_refused()
    {
        Assert.Throws<ArgumentException>(() => LinearAlgebra.AddGram(new Matrix<float>(2, 3), new Matrix<double>(2, 2)));
        Assert.Throws<ArgumentException>(() => LinearAlgebra.AddGram(new Matrix<float>(2, 3), new Matrix<double>(3, 4)));
    }

    [Theory, InlineData(1, 3), InlineData(270, 30), InlineData(30, 270)]
    public void Syrk_is_the_product_with_the_own_transpose(int rows, int columns)
    {
        var a = Plain.Random(rows, columns, 5);
        var (left, right) = (LinearAlgebra.Syrk(a), LinearAlgebra.SyrkTransposed(a));
        Assert.InRange(Plain.Error(Plain.Product(a, Plain.Transpose(a)), left), 0, 1e-14);
        Assert.InRange(Plain.Error(Plain.Product(Plain.Transpose(a), a), right), 0, 1e-14);
        Assert.Equal(Plain.Transpose(left).Data.ToArray(), left.Data.ToArray());
        var single = Plain.ToSingle(a);
        Assert.InRange(Plain.Error(left, Plain.ToDouble(LinearAlgebra.Syrk(single))), 0, 1e-6);
        Assert.InRange(Plain.Error(right, Plain.ToDouble(LinearAlgebra.SyrkTransposed(single))), 0, 1e-6);
    }
}
