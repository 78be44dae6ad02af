using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Compression;

public sealed class FeedbackRoundingTests
{
    /// <summary>An order at which the factor is found in float and the pool shares out its Cholesky factor.</summary>
    private const int Large = 1100;

    [Theory, InlineData(150, 1), InlineData(Large, 1), InlineData(Large, 1e4f)]
    public void The_factor_gives_the_matrix_back_whatever_the_order_of_the_columns(int n, float outlier)
    {
        var gram = Some.Problem(2, n, outlier: outlier).Inputs.Gram;
        double[] diagonal = [.. Enumerable.Range(0, n).Select(i => gram[i, i] + 0.01 * LinearAlgebra.Trace(gram) / n)];
        int[] order = [.. Enumerable.Range(0, n).OrderBy(i => i * 7 % 11).ThenBy(i => i)];
        foreach (int[]? turned in new[] { null, order })
        {
            var (factor, _) = FeedbackFactor.Of(new(gram, diagonal), turned);
            int At(int i) => turned is null ? i : turned[i];
            double H(int i, int j) => i == j ? diagonal[At(i)] : gram[At(i), At(j)];

            // The last column of A is that of H divided by its last entry; the last pivot is that entry.
            Assert.NotNull(factor);
            for (int i = 0; i < n; i++)
            {
                Assert.Equal(H(i, n - 1) / H(n - 1, n - 1), factor[i, n - 1], 1e-5 * Math.Max(1, Math.Sqrt(H(i, i) / H(n - 1, n - 1))));
                Assert.Equal(1, factor[i, i]);
                Assert.All(factor.Row(i)[..i].ToArray(), v => Assert.Equal(0, v));
            }
            // What is before it is the factor of H without its share: checked on the column before, by one step of elimination.
            int m = n - 2;
            double pivot = H(m, m) - H(m, n - 1) * H(m, n - 1) / H(n - 1, n - 1);
            for (int i = 0; i < m; i += 13)
                Assert.Equal((H(i, m) - H(i, n - 1) * H(m, n - 1) / H(n - 1, n - 1)) / pivot, factor[i, m], 1e-4 * Math.Max(1, Math.Sqrt(H(i, i) / pivot)));
        }
    }

    [Theory, InlineData(0), InlineData(48), InlineData(200)]
    public void Codes_do_not_depend_on_the_number_of_threads(int group)
    {
        var problem = Some.Problem(200, Large);
        float[] Values(int threads)
        {
            int before = Threads.Count;
            Threads.Count = threads;
            try
            {
                return new Gptq(new GridFormat(3, group)).Compress(problem).ToDense().Data.ToArray();
            }
            finally
            {
                Threads.Count = before;
            }
        }
        var one = Values(1);
        Assert.Equal(one, Values(2));
        Assert.Equal(one, Values(5));
        Assert.True(ProxyLoss.Relative(problem, new DenseLinear(new Matrix<float>(200, Large, one)))
            < 0.7 * ProxyLoss.Relative(problem, new RoundToNearest(new GridFormat(3, group)).Compress(problem)));
    }

    [Fact]
    public void A_search_for_a_range_may_end_early_with_the_same_result()
    {
        var w = Some.Matrix(1, 1000, seed: 4).Data;
        float whole = Quarank.Numerics.Kernels.ClipKernels.PowerError(w, 0.1f, 10, 0, 3);
        Assert.Equal(whole, Quarank.Numerics.Kernels.ClipKernels.PowerError(w, 0.1f, 10, 0, 3, whole));
        Assert.InRange(Quarank.Numerics.Kernels.ClipKernels.PowerError(w, 0.1f, 10, 0, 3, whole / 4), whole / 4, whole);
    }

    [Fact]
    public void A_refit_on_numbers_that_are_not_finite_ends_with_words()
    {
        var y = new Matrix<double>(4, 4);
        for (int i = 0; i < 4; i++) y[i, i] = i == 2 ? double.NaN : 1;
        var lordq = new Lordq(Blocks: 1, Rank: 2, Refit: true);
        var block = new LordqBlock(0, new(lordq.GridOf(4), 2, 3), new(lordq.GridOf(16), 2, 4));
        var top = new TopRankFactors(new Matrix<double>(3, 2), [1, 1], new Matrix<double>(2, 4), 1, 1, 0, 0, true);
        Assert.Contains("not finite", Assert.Throws<InvalidDataException>(() => new LordqRefit(lordq, y, null).Quantize(new Matrix<double>(3, 4), top, block)).Message);
    }
}
