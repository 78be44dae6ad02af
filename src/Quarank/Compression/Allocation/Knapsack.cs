namespace Quarank.Compression.Allocation;

/// <summary>What one choice of a group takes, and what it costs in quality.</summary>
public readonly record struct KnapsackItem(long Weight, double Loss);

/// <summary>One item of every group.</summary>
/// <param name="Choices">Of each group, the index of its item.</param>
/// <param name="Bound">No selection within the capacity has a smaller loss than this.</param>
/// <param name="Exact">Whether this is a best selection for certain; otherwise <paramref name="Bound"/> says how far it can be
/// from one.</param>
public sealed record KnapsackSolution(int[] Choices, long Weight, double Loss, double Bound, bool Exact)
{
    /// <summary>How much smaller than <see cref="Loss"/> the best loss could be, as a part of it.</summary>
    public double Gap => Exact || Loss == Bound ? 0 : (Loss - Bound) / Math.Abs(Loss);
}

/// <summary>
/// The multiple-choice knapsack: one item of every group, least total loss, total weight within a capacity.
/// </summary>
/// <remarks>
/// The linear relaxation (steps along each group's lower convex hull, steepest first) gives the price λ of a unit of weight, a
/// bound L = Σ min(loss + λ·weight) − λ·capacity, and a first selection. An item whose regret π = loss + λ·weight − min exceeds
/// the gap between the two is in no better selection. Dynamic programming over what is left keeps, for every weight, the least
/// loss, and drops states whose summed regrets exceed the gap; it is exact unless more than <see cref="MostStates"/> remain.
/// </remarks>
public static class Knapsack
{
    internal const int MostStates = 20_000;

    private readonly record struct State(long Weight, double Loss, double Regret, int Parent, int Choice);

    /// <exception cref="ArgumentException">A group without items, a loss that is not a number, or a capacity below the lightest
    /// selection.</exception>
    public static KnapsackSolution Solve(IReadOnlyList<KnapsackItem[]> groups, long capacity)
    {
        int[][] useful = [.. groups.Select(Useful)];
        long least = 0;
        for (int g = 0; g < groups.Count; g++) least += groups[g][useful[g][0]].Weight;
        if (least > capacity)
            throw new ArgumentException($"The lightest selection weighs {least:N0}, more than the capacity of {capacity:N0}.");

        var (first, price) = Relaxed(groups, useful, capacity);
        double loss = Loss(groups, first), bound = Bound(groups, useful, price, capacity);
        double gap = Math.Max(0, loss - bound);
        if (price == 0 || gap <= 1e-12 * Math.Abs(loss)) return Solution(groups, first, loss, true);
        var (better, exact) = Improve(groups, useful, capacity, price, gap);
        if (better is null || Loss(groups, better) >= loss) better = first;
        return Solution(groups, better, bound, exact);
    }

    private static KnapsackSolution Solution(IReadOnlyList<KnapsackItem[]> groups, int[] choices, double bound, bool exact) =>
        new(choices, Weight(groups, choices), Loss(groups, choices), exact ? Loss(groups, choices) : bound, exact);

    /// <summary>Items that no lighter one equals, by rising weight and falling loss; of equals the first.</summary>
    private static int[] Useful(KnapsackItem[] items)
    {
        if (items.Length == 0) throw new ArgumentException("A group needs at least one item.");
        if (Array.Exists(items, i => !double.IsFinite(i.Loss))) throw new ArgumentException("A loss must be a finite number.");
        var kept = new List<int>();
        foreach (int i in Enumerable.Range(0, items.Length).OrderBy(i => items[i].Weight).ThenBy(i => items[i].Loss).ThenBy(i => i))
            if (kept.Count == 0 || items[i].Loss < items[kept[^1]].Loss) kept.Add(i);
        return [.. kept];
    }

    /// <summary>Takes the steepest steps of all hulls while they fit; the first that does not fit says the price.</summary>
    private static (int[] Choices, double Price) Relaxed(IReadOnlyList<KnapsackItem[]> groups, int[][] useful, long capacity)
    {
        var steps = new List<(double Slope, int Group, int From, int To)>();
        for (int g = 0; g < groups.Count; g++)
        {
            var items = groups[g];
            int[] hull = Hull(items, useful[g]);
            for (int k = 1; k < hull.Length; k++) steps.Add((Slope(items[hull[k - 1]], items[hull[k]]), g, hull[k - 1], hull[k]));
        }
        int[] choices = [.. useful.Select(u => u[0])];
        long weight = Weight(groups, choices);
        double price = 0;
        // A stable order: equal slopes by group, and along a hull slopes fall.
        foreach (var (slope, g, from, to) in steps.OrderByDescending(s => s.Slope))
        {
            long more = groups[g][to].Weight - groups[g][from].Weight;
            if (choices[g] != from || weight + more > capacity)
            {
                if (price == 0) price = slope;
                continue;
            }
            (choices[g], weight) = (to, weight + more);
        }
        return (choices, price);
    }

    private static double Slope(KnapsackItem from, KnapsackItem to) => (from.Loss - to.Loss) / (to.Weight - from.Weight);

    private static int[] Hull(KnapsackItem[] items, int[] useful)
    {
        var hull = new List<int>();
        foreach (int i in useful)
        {
            while (hull.Count >= 2 && Slope(items[hull[^2]], items[hull[^1]]) <= Slope(items[hull[^1]], items[i]))
                hull.RemoveAt(hull.Count - 1);
            hull.Add(i);
        }
        return [.. hull];
    }

    private static double Bound(IReadOnlyList<KnapsackItem[]> groups, int[][] useful, double price, long capacity)
    {
        double bound = -price * capacity;
        for (int g = 0; g < groups.Count; g++) bound += useful[g].Min(i => groups[g][i].Loss + price * groups[g][i].Weight);
        return bound;
    }

    private static (int[]? Choices, bool Exact) Improve(
        IReadOnlyList<KnapsackItem[]> groups, int[][] useful, long capacity, double price, double gap)
    {
        double slack = gap * (1 + 1e-9);
        var left = new (int Item, double Regret)[groups.Count][];
        var leastAfter = new long[groups.Count + 1];
        for (int g = groups.Count - 1; g >= 0; g--)
        {
            double least = useful[g].Min(i => groups[g][i].Loss + price * groups[g][i].Weight);
            left[g] = [.. useful[g].Select(i => (i, groups[g][i].Loss + price * groups[g][i].Weight - least)).Where(i => i.Item2 <= slack)];
            leastAfter[g] = leastAfter[g + 1] + left[g].Min(i => groups[g][i.Item].Weight);
        }
        var layers = new State[groups.Count][];
        State[] before = [new(0, 0, 0, -1, -1)];
        bool exact = true;
        for (int g = 0; g < groups.Count; g++)
        {
            var next = new List<State>(before.Length * left[g].Length);
            for (int s = 0; s < before.Length; s++)
                foreach (var (item, regret) in left[g])
                {
                    var state = new State(before[s].Weight + groups[g][item].Weight, before[s].Loss + groups[g][item].Loss,
                        before[s].Regret + regret, s, item);
                    if (state.Regret <= slack && state.Weight + leastAfter[g + 1] <= capacity) next.Add(state);
                }
            before = layers[g] = Undominated(next, ref exact);
            if (before.Length == 0) return (null, exact);
        }
        var best = before[^1];   // losses fall with the weight
        var choices = new int[groups.Count];
        for (int g = groups.Count - 1; g >= 0; g--)
        {
            choices[g] = best.Choice;
            if (g > 0) best = layers[g - 1][best.Parent];
        }
        return (choices, exact);
    }

    private static State[] Undominated(List<State> states, ref bool exact)
    {
        states.Sort((a, b) => a.Weight != b.Weight ? a.Weight.CompareTo(b.Weight)
            : a.Loss != b.Loss ? a.Loss.CompareTo(b.Loss)
            : a.Parent != b.Parent ? a.Parent.CompareTo(b.Parent) : a.Choice.CompareTo(b.Choice));
        var kept = new List<State>();
        foreach (var state in states)
            if (kept.Count == 0 || state.Loss < kept[^1].Loss) kept.Add(state);
        if (kept.Count <= MostStates) return [.. kept];
        exact = false;
        return [.. kept.OrderBy(s => s.Regret).ThenBy(s => s.Weight).Take(MostStates).OrderBy(s => s.Weight)];
    }

    private static long Weight(IReadOnlyList<KnapsackItem[]> groups, int[] choices) =>
        choices.Select((c, g) => groups[g][c].Weight).Sum();

    private static double Loss(IReadOnlyList<KnapsackItem[]> groups, int[] choices) =>
        choices.Select((c, g) => groups[g][c].Loss).Sum();
}
