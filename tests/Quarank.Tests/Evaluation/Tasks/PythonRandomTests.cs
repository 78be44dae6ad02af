using Quarank.Evaluation.Tasks;
using Quarank.Numerics;
using Xunit;

namespace Quarank.Tests.Evaluation.Tasks;

/// <summary>Against numbers that CPython 3.11 gives.</summary>
public class PythonRandomTests
{
    [Fact]
    public void Samples_are_those_of_Python_with_a_pool_and_with_a_set()
    {
        var random = new PythonRandom(1234);
        Assert.Equal([99, 56, 14, 0, 11], random.Sample(100, 5));
        Assert.Equal([0, 5, 6, 7, 4, 1], random.Sample(8, 6));
        Assert.Equal([1939, 142, 252], random.Sample(5000, 3));
        Assert.Equal([25, 0, 11, 20, 19, 15, 29, 14, 4, 2, 5, 3, 28, 16, 24, 22, 18, 1, 10, 8, 7, 12], random.Sample(30, 22));
        Assert.Throws<ArgumentException>(() => random.Sample(3, 4));
    }

    [Fact]
    public void Fractions_are_those_of_Python()
    {
        var random = new PythonRandom(0);
        Assert.Equal(0.8444218515250481, random.NextDouble());
        Assert.Equal(0.7579544029403025, random.NextDouble());
    }

    [Fact]
    public void The_bootstrap_of_a_perplexity_is_that_of_Python()
    {
        double[] values = [-1.5, -0.25, -3.0, -2.125, -0.5];
        Assert.Equal(2.36847824557625, Bootstrap.ErrorOfPerplexity(values, 2000)!.Value, 1e-12);
        Assert.Equal(2.269878709613332, Bootstrap.ErrorOfPerplexity(values, 300)!.Value, 1e-12);
        Assert.Null(Bootstrap.ErrorOfPerplexity([-1]));
    }

    [Fact]
    public void The_bootstrap_does_not_depend_on_the_number_of_threads()
    {
        int count = Threads.Count;
        try
        {
            double[] values = [-0.5, -1.75, -2];
            Threads.Count = 1;
            double? one = Bootstrap.ErrorOfPerplexity(values, 5000);
            Threads.Count = 3;
            Assert.Equal(one, Bootstrap.ErrorOfPerplexity(values, 5000));
        }
        finally
        {
            Threads.Count = count;
        }
    }
}
