using Quarank.Evaluation;
using Xunit;

namespace Quarank.Tests.Evaluation;

public class TopTokensTests
{
    [Theory]
    [InlineData(5, 5)]
    [InlineData(64, 64)]
    [InlineData(64, 65)]
    [InlineData(64, 1000)]
    [InlineData(5, 1000)]
    [InlineData(1, 129)]
    public void They_are_the_first_of_a_stable_sort(int top, int vocabulary)
    {
        for (int seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            // Few different values, so that there are equals at every border.
            float[] logits = [.. Enumerable.Range(0, vocabulary).Select(_ => (float)random.Next(seed + 2))];
            var ids = new int[top];
            TopTokens.Find(logits, ids);
            Assert.Equal(Enumerable.Range(0, vocabulary).OrderByDescending(i => logits[i]).Take(top), ids);
        }
    }

    [Fact]
    public void Shared_ones_count_whatever_their_order()
    {
        Assert.Equal(0.6, TopTokens.Shared([1, 2, 3, 4, 5], [5, 9, 1, 8, 3]), 1e-12);
    }
}
