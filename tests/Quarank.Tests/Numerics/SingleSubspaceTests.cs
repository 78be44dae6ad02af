using Quarank.Numerics;
using Xunit;

namespace Quarank.Tests.Numerics;

public sealed class SingleSubspaceTests
{
    private const int Never = int.MaxValue;

    /// <summary>Singular values fall as (j + 8)^(−decay/2); the first columns stand out.</summary>
    private static Matrix<double> Layer(int m, int n, double decay, double outlier, int seed)
    {
        var a = Plain.Random(m, n, seed);
        for (int i = 0; i < m; i++)
            for (int j = 0; j < n; j++) a[i, j] *= Math.Pow((j + 8) / 8.0, -decay / 2) * (j < 2 ? outlier : 1);
        return a;
    }

    [Theory]
    [InlineData(200, 420, 30, 0.5, 10), InlineData(420, 200, 30, 1.5, 10), InlineData(300, 300, 90, 1.0, 30), InlineData(240, 240, 40, 2.0, 100), InlineData(300, 260, 40, 0.5, 300), InlineData(260, 300, 40, 1.0, 1000), InlineData(300, 260, 40, 1.0, 1000)]
    public void Float_finds_what_double_finds(int m, int n, int rank, double decay, double outlier)
    {
        var a = Layer(m, n, decay, outlier, 1);
        Assert.NotNull(SingleSubspace.TryFind(a, m <= n, rank, a.Data.ToArray().Sum(v => v * v), new(TopRank.ExactOrder, 0, 0)));
        var (exact, single) = (TopRank.Factor(a, rank, singleOrder: Never), TopRank.Factor(a, rank));
        double left = exact.Energy - exact.Captured;
        Assert.InRange(single.Captured, exact.Captured - 1e-6 * left, exact.Captured * (1 + 1e-12)); // none captures more than the exact ones
        Assert.InRange(Plain.Error(Plain.Identity(rank), Plain.Product(Plain.Transpose(single.U), single.U)), 0, 1e-9);
        Assert.InRange(Plain.Error(Plain.Identity(rank), Plain.Product(single.Vt, Plain.Transpose(single.Vt))), 0, 1e-9);
        Assert.Equal(single.Values.OrderDescending(), single.Values);
        for (int i = 0; i < rank; i++) Assert.Equal(exact.Values[i], single.Values[i], 1e-4 * exact.Values[i]);
    }

    [Fact]
    public void Where_a_massive_direction_leaves_float_nothing_double_takes_over()
    {
        var a = Layer(200, 200, 0.5, 1e5, 2);
        Assert.Null(SingleSubspace.TryFind(a, true, 30, a.Data.ToArray().Sum(v => v * v), new(TopRank.ExactOrder, 0, 0)));
        var (exact, chosen) = (TopRank.Factor(a, 30, singleOrder: Never), TopRank.Factor(a, 30));
        Assert.Equal(exact.Vt.Data.ToArray(), chosen.Vt.Data.ToArray());
        Assert.Equal(exact.Captured, chosen.Captured);
    }

    [Theory, InlineData(1e-30), InlineData(1e25)]
    public void Units_do_not_matter(double unit)
    {
        var (a, b) = (Layer(200, 230, 1, 5, 3), Layer(200, 230, 1, 5, 3));
        for (int i = 0; i < b.Data.Length; i++) b.Data[i] *= unit;
        var (one, other) = (TopRank.Factor(a, 20), TopRank.Factor(b, 20));
        for (int i = 0; i < 20; i++) Assert.Equal(one.Values[i], other.Values[i] / unit, 1e-6 * one.Values[0]);
    }
}
