using Quarank.Numerics;
using Xunit;

namespace Quarank.Tests.Numerics;

public sealed class TopRankTests
{
    /// <summary>Singular values fall as (j + 8)^(−decay/2), with a few outliers, as those of weighted layers do.</summary>
    private static Matrix<double> Layer(int m, int n, double decay, int seed)
    {
        var a = Plain.Random(m, n, seed);
        for (int i = 0; i < m; i++)
            for (int j = 0; j < n; j++) a[i, j] *= Math.Pow((j + 8) / 8.0, -decay / 2) * (j < 4 ? 10 : 1);
        return a;
    }

    private static Matrix<double> Rebuilt(TopRankFactors f)
    {
        var scaled = f.Vt.Clone();
        for (int i = 0; i < scaled.Rows; i++)
            for (int j = 0; j < scaled.Columns; j++) scaled[i, j] *= f.Values[i];
        return LinearAlgebra.Multiply(f.U, scaled);
    }

    private static double SquaredError(Matrix<double> a, Matrix<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Data.Length; i++) sum += (a.Data[i] - b.Data[i]) * (a.Data[i] - b.Data[i]);
        return sum;
    }

    [Theory, InlineData(40, 90, 10), InlineData(90, 40, 10), InlineData(60, 60, 60), InlineData(50, 70, 1), InlineData(30, 20, 0)]
    public void The_exact_path_leaves_what_the_singular_values_say(int m, int n, int rank)
    {
        var a = Layer(m, n, 0.7, 1);
        var svd = Svd.Of(a);
        var f = TopRank.Factor(a, rank);
        for (int i = 0; i < rank; i++) Assert.Equal(svd.Values[i], f.Values[i], 1e-10 * svd.Values[0]);
        double left = svd.Values.Skip(rank).Sum(s => s * s);
        Assert.Equal(left, SquaredError(a, Rebuilt(f)), 1e-10 * f.Energy); // Eckart and Young
        Assert.Equal(left, f.Energy - f.Captured, 1e-10 * f.Energy);
        Assert.InRange(Plain.Error(Plain.Identity(rank), Plain.Product(Plain.Transpose(f.U), f.U)), 0, 1e-9);
        Assert.InRange(Plain.Error(Plain.Identity(rank), Plain.Product(f.Vt, Plain.Transpose(f.Vt))), 0, 1e-9);
        Assert.True(f.Converged);
    }

    [Theory]
    [InlineData(300, 300, 48, 0.5), InlineData(300, 300, 48, 1.5), InlineData(200, 420, 30, 1.0), InlineData(420, 200, 30, 1.0), InlineData(300, 300, 100, 0.5)]
    public void The_iteration_comes_within_half_a_percent_of_the_least_error(int m, int n, int rank, double decay)
    {
        var a = Layer(m, n, decay, 2);
        var (exact, iterated) = (TopRank.Factor(a, rank), TopRank.Factor(a, rank, exactOrder: 0));
        Assert.True(iterated.Converged);
        Assert.InRange(iterated.Passes, 4, 16);
        double least = exact.Energy - exact.Captured;
        Assert.InRange(SquaredError(a, Rebuilt(iterated)), least * (1 - 1e-9), least * 1.005); // 0.5 % in the last two passes is where it ends; those to come would gain less
        Assert.Equal(SquaredError(a, Rebuilt(iterated)), iterated.Energy - iterated.Captured, 1e-9 * exact.Energy);
        Assert.InRange(iterated.Residual, 0, 0.05);
        Assert.Equal(iterated.Values.OrderDescending(), iterated.Values);
        Assert.InRange(Plain.Error(Plain.Identity(rank), Plain.Product(Plain.Transpose(iterated.U), iterated.U)), 0, 1e-6);
    }

    [Fact]
    public void A_tighter_tolerance_costs_passes_and_comes_nearer()
    {
        var a = Layer(300, 300, 0.5, 3);
        var (loose, tight, exact) = (TopRank.Factor(a, 40, 0, 0.05), TopRank.Factor(a, 40, 0, 1e-5), TopRank.Factor(a, 40));
        Assert.True(tight.Passes > loose.Passes);
        Assert.True(tight.Captured > loose.Captured);
        Assert.Equal(exact.Captured, tight.Captured, 1e-4 * (exact.Energy - exact.Captured));
        Assert.False(TopRank.Factor(a, 40, 0, -1).Converged); // what cannot be reached is said
    }

    [Theory, InlineData(TopRank.ExactOrder), InlineData(0)]
    public void A_rank_beyond_the_numerical_rank_gives_finite_zeros(int exactOrder)
    {
        var a = LinearAlgebra.Multiply(Plain.Random(80, 5, 4), Plain.Random(5, 60, 5));
        foreach (var matrix in new[] { a, Plain.Transpose(a), new Matrix<double>(30, 40) })
        {
            int rank = matrix.Rows == 30 ? 0 : 5;
            var f = TopRank.Factor(matrix, 12, exactOrder);
            Assert.InRange(SquaredError(matrix, Rebuilt(f)), 0, 1e-18 * Math.Max(1, f.Energy));
            Assert.All(f.Values.Skip(rank), v => Assert.InRange(v, 0, 1e-7 * f.Values[0]));
            Assert.All(f.U.Data.ToArray(), v => Assert.True(double.IsFinite(v)));
            Assert.All(f.Vt.Data.ToArray(), v => Assert.True(double.IsFinite(v)));
        }
    }

    [Fact]
    public void A_massive_outlier_does_not_drown_the_rest()
    {
        var a = Layer(200, 200, 0.5, 6);
        for (int i = 0; i < 200; i++) a[i, 0] *= 1e5; // as the first token's activations weigh one input channel
        var (exact, iterated) = (TopRank.Factor(a, 30), TopRank.Factor(a, 30, exactOrder: 0));
        double least = Svd.Of(a).Values.Skip(30).Sum(s => s * s);
        Assert.InRange(SquaredError(a, Rebuilt(exact)), 0, least * 1.0001);
        Assert.InRange(SquaredError(a, Rebuilt(iterated)), 0, least * 1.005);
    }

    [Fact]
    public void The_same_seed_gives_the_same_bits_and_wrong_ranks_are_refused()
    {
        var a = Layer(120, 100, 1, 7);
        Assert.Equal(TopRank.Factor(a, 9, 0).U.Data.ToArray(), TopRank.Factor(a, 9, 0).U.Data.ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => TopRank.Factor(a, 101));
        Assert.Throws<ArgumentOutOfRangeException>(() => TopRank.Factor(a, -1));
        a[3, 3] = double.NaN;
        Assert.Throws<ArgumentException>(() => TopRank.Factor(a, 5));
    }
}
