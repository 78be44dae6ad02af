namespace Quarank.Compression.Allocation;

/// <summary>
/// ASVD's search (arXiv:2312.05821): one limit for the loss of any layer, as low as the budget allows; each layer takes its lightest item that
/// keeps to it. Where <see cref="Knapsack"/> makes the sum of losses least, this makes the largest of them least.
/// </summary>
public static class WorstFirst
{
    /// <exception cref="ArgumentException">A group without items, or a capacity below the lightest selection.</exception>
    public static KnapsackSolution Solve(IReadOnlyList<KnapsackItem[]> groups, long capacity)
    {
        double[] limits = [.. groups.SelectMany(g => g.Select(i => i.Loss)).Distinct().Order()];
        int low = 0, high = limits.Length - 1;
        long least = groups.Sum(g => g.Length > 0 ? g.Min(i => i.Weight) : throw new ArgumentException("A group needs at least one item."));
        if (least > capacity) throw new ArgumentException($"The lightest selection weighs {least:N0}, more than the capacity of {capacity:N0}.");
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (Weight(groups, At(groups, limits[middle])) <= capacity) high = middle;
            else low = middle + 1;
        }
        int[] choices = At(groups, limits[low])!;
        double loss = choices.Select((c, g) => groups[g][c].Loss).Sum();
        return new(choices, Weight(groups, choices), loss, loss, Exact: true);
    }

    // Null if some layer has nothing within the limit.
    private static int[]? At(IReadOnlyList<KnapsackItem[]> groups, double limit)
    {
        var choices = new int[groups.Count];
        for (int g = 0; g < choices.Length; g++)
        {
            var within = Enumerable.Range(0, groups[g].Length).Where(i => groups[g][i].Loss <= limit).ToList();
            if (within.Count == 0) return null;
            choices[g] = within.OrderBy(i => groups[g][i].Weight).ThenBy(i => groups[g][i].Loss).First();
        }
        return choices;
    }

    private static long Weight(IReadOnlyList<KnapsackItem[]> groups, int[]? choices) => choices?.Select((c, g) => groups[g][c].Weight).Sum() ?? long.MaxValue;
}
