using Quarank.Compression.Allocation;
using Xunit;

namespace Quarank.Tests.Compression;

public class KnapsackTests
{
    private static KnapsackItem[][] Random(Random random, int groups, int most, int heaviest, bool wholeLosses) =>
    [
        .. Enumerable.Range(0, groups).Select(_ => Enumerable.Range(0, random.Next(1, most + 1))
            .Select(_ => new KnapsackItem(random.Next(1, heaviest), wholeLosses ? random.Next(0, 6) : random.NextDouble())).ToArray()),
    ];

    private static double BruteForce(KnapsackItem[][] groups, long capacity, int from = 0)
    {
        if (from == groups.Length) return capacity >= 0 ? 0 : double.PositiveInfinity;
        return groups[from].Min(i => i.Loss + BruteForce(groups, capacity - i.Weight, from + 1));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_finds_what_trying_everything_finds(bool wholeLosses)
    {
        var random = new Random(4);
        int refused = 0;
        for (int trial = 0; trial < 400; trial++)
        {
            var groups = Random(random, random.Next(1, 7), 5, trial % 2 == 0 ? 12 : 1000, wholeLosses);
            long least = groups.Sum(g => g.Min(i => i.Weight)), most = groups.Sum(g => g.Max(i => i.Weight));
            long capacity = trial % 10 == 0 ? least - 1 : least + (long)(random.NextDouble() * 1.1 * (most - least));
            if (capacity < least)
            {
                Assert.Contains("lightest selection", Assert.Throws<ArgumentException>(() => Knapsack.Solve(groups, capacity)).Message);
                refused++;
                continue;
            }
            var solution = Knapsack.Solve(groups, capacity);
            Assert.True(solution.Exact);
            Assert.Equal(BruteForce(groups, capacity), solution.Loss, 1e-12);
            Assert.Equal(solution.Loss, solution.Choices.Select((c, g) => groups[g][c].Loss).Sum(), 1e-12);
            Assert.Equal(solution.Weight, solution.Choices.Select((c, g) => groups[g][c].Weight).Sum());
            Assert.True(solution.Weight <= capacity);
        }
        Assert.True(refused > 5, $"{refused} refused");
    }

    [Fact]
    public void Hundreds_of_groups_are_solved_exactly_or_the_gap_is_told()
    {
        var random = new Random(5);
        var groups = Random(random, 210, 10, 400_000, wholeLosses: false);
        long capacity = groups.Sum(g => (g.Min(i => i.Weight) + g.Max(i => i.Weight)) / 2);
        var solution = Knapsack.Solve(groups, capacity);
        Assert.InRange(solution.Weight, 0, capacity);
        Assert.InRange(solution.Gap, 0, 1e-4);
        Assert.True(solution.Bound <= solution.Loss);
    }

    [Fact]
    public void Of_equals_the_same_one_is_taken_every_time()
    {
        KnapsackItem[] alike = [new(3, 1), new(3, 1), new(1, 2), new(1, 2)];
        var solution = Knapsack.Solve([alike, alike, alike], 7);
        Assert.Equal(4, solution.Loss, 12);
        for (int i = 0; i < 5; i++) Assert.Equal(solution.Choices, Knapsack.Solve([alike, alike, alike], 7).Choices);
        Assert.All(solution.Choices, c => Assert.True(c is 0 or 2));
    }

    [Fact]
    public void What_has_no_answer_is_refused()
    {
        Assert.Throws<ArgumentException>(() => Knapsack.Solve([[]], 1));
        Assert.Throws<ArgumentException>(() => Knapsack.Solve([[new(1, double.NaN)]], 1));
        Assert.Throws<ArgumentException>(() => Knapsack.Solve([[new(1, double.PositiveInfinity)]], 1));
    }
}
