using Quarank.Evaluation;
using Xunit;

namespace Quarank.Tests.Evaluation;

public class KlSpreadTests
{
    [Fact]
    public void Percentiles_lie_between_their_neighbours()
    {
        float[] values = [1, 2, 4, 8];
        Assert.Equal(1, KlSpread.Percentile(values, 0));
        Assert.Equal(8, KlSpread.Percentile(values, 1));
        Assert.Equal(3, KlSpread.Percentile(values, 0.5), 1e-12);
        Assert.Equal(7.88, KlSpread.Percentile(values, 0.99), 1e-12);
        Assert.Equal(5, KlSpread.Percentile([5], 0.99));
    }

    /// <summary>On the numbers 0 … n − 1 a percentile is q (n − 1), and its error the deviation of a binomial count.</summary>
    [Fact]
    public void Errors_of_percentiles_on_equal_steps_are_those_of_counts()
    {
        const int n = 100_001;
        float[] sorted = [.. Enumerable.Range(0, n).Select(i => (float)i)];
        var spread = KlSpread.Of(sorted);
        foreach (var (share, found) in new[] { (0.5, spread.Median), (0.9, spread.P90), (0.99, spread.P99), (0.999, spread.P999) })
        {
            Assert.Equal(share * (n - 1), found.Value, 1e-6 * n);
            Assert.Equal(Math.Sqrt(share * (1 - share) * n), found.Error, 1e-4 * found.Error);   // (n − 1)/n of it
        }
        Assert.Equal(new Estimate(n - 1, 1 - 1.0 / n), spread.Maximum);
    }

    [Fact]
    public void Errors_of_percentiles_are_how_much_they_vary_from_sample_to_sample()
    {
        var random = new Random(3);
        var spreads = Enumerable.Range(0, 400).Select(_ =>
        {
            float[] sample = [.. Enumerable.Range(0, 2000).Select(_ => -MathF.Log(1 - random.NextSingle()))];
            Array.Sort(sample);
            return KlSpread.Of(sample);
        }).ToArray();
        foreach (var pick in new Func<KlSpread, Estimate>[] { s => s.Median, s => s.P90, s => s.P99 })
        {
            double mean = spreads.Average(s => pick(s).Value);
            double varies = Math.Sqrt(spreads.Average(s => Math.Pow(pick(s).Value - mean, 2)));
            // 400 samples tell a deviation to 3.5 %; the mean error of the 99th, from some twenty values, is itself a little off.
            Assert.InRange(spreads.Average(s => pick(s).Error) / varies, 0.85, 1.15);
        }
    }

    [Fact]
    public void The_error_of_the_maximum_is_the_jackknifes()
    {
        float[] sorted = [1, 2, 4, 9];
        double[] without = [9, 9, 9, 4];
        double jackknife = Math.Sqrt(3.0 / 4 * without.Sum(m => Math.Pow(m - without.Average(), 2)));
        Assert.Equal(jackknife, KlSpread.Of(sorted).Maximum.Error, 1e-12);
        Assert.Equal(new Estimate(3, 0), KlSpread.Of([3]).Maximum);
    }
}
