using Quarank.Compression.Allocation;
using Xunit;

namespace Quarank.Tests.Compression;

/// <summary>ASVD's search against trying everything.</summary>
public class WorstFirstTests
{
    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void The_largest_loss_is_the_least_that_any_selection_within_the_capacity_has(int seed)
    {
        var random = new Random(seed);
        KnapsackItem[][] groups = [.. Enumerable.Range(0, 5).Select(_ => Enumerable.Range(0, 4).Select(_ => new KnapsackItem(random.Next(1, 30), random.NextDouble())).ToArray())];
        for (long capacity = groups.Sum(g => g.Min(i => i.Weight)); capacity < 120; capacity += 7)
        {
            double best = double.PositiveInfinity;
            for (int k = 0; k < 1024; k++)
            {
                var items = groups.Select((g, i) => g[(k >> (2 * i)) & 3]).ToList();
                if (items.Sum(i => i.Weight) <= capacity) best = Math.Min(best, items.Max(i => i.Loss));
            }
            var found = WorstFirst.Solve(groups, capacity);
            Assert.Equal(best, found.Choices.Select((c, g) => groups[g][c].Loss).Max());
            Assert.Equal(found.Choices.Select((c, g) => groups[g][c].Weight).Sum(), found.Weight);
            Assert.InRange(found.Weight, 0, capacity);
            Assert.Equal(found.Choices.Select((c, g) => groups[g][c].Loss).Sum(), found.Loss, 1e-12);
        }
    }

    [Fact]
    public void A_capacity_below_the_lightest_selection_is_refused() =>
        Assert.Throws<ArgumentException>(() => WorstFirst.Solve([[new(5, 1)], [new(3, 1)]], 7));
}
