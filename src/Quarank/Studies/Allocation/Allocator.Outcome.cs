using Quarank.Compression;
using Quarank.Compression.Allocation;
using Quarank.Evaluation;
using Quarank.Pipeline;

namespace Quarank.Studies.Allocation;

public sealed partial class Allocator
{
    /// <summary>From harm to recipe.</summary>
    private sealed class Outcome(Allocator a)
    {
        private const int FrontierPoints = 17;
        private readonly int _count = a._recipes.Count;
        private IEnumerable<int> Layers => Enumerable.Range(0, a._layers);

        public Allocation Find()
        {
            var byHarm = Solve(Predicted, a.Budget);
            var selections = new List<(string Name, int[] Choices)> { (Allocated, byHarm.Choices) };
            if (a._asked.Sensitivity == LossMeasure.Kl)
            {
                int[] byError = Solve(Error, a.Budget).Choices;
                if (!byError.SequenceEqual(byHarm.Choices)) selections.Add((ByError, byError));
            }
            for (int c = 0; c < _count; c++)
                if (Uniform(c).Sum(Bits) <= a.Budget) selections.Add((a._names[c], [.. Layers.Select(_ => c)]));
            var (measured, dense) = Measure(selections);
            var kept = selections.Single(s => s.Name == measured[0].Name);
            return new(RunFingerprint.ThisProgram, a._asked, a.Budget, BitsPerWeight(kept.Choices), dense, measured, kept.Name, byHarm.Gap,
                [.. Enumerable.Range(0, _count).Select(c => Choice(c, kept.Choices))],
                [.. Layers.Select(l => Layer(l, kept.Choices[l]))], Frontier(), Agreement(), ToRecipe(kept.Choices));
        }

        private double Error(int layer, int choice) => a._candidates[layer, choice].Error;

        private double Predicted(int layer, int choice) => a._asked.Sensitivity == LossMeasure.Loss ? Error(layer, choice)
            : a._asked.Probes.Measure == ProbeRule.All ? a._harm.Measured(layer, choice)
            : a._harm.Scaled(layer, choice, a._representatives[choice]);

        private long Bits((int Layer, int Choice) pair) => a._candidates[pair.Layer, pair.Choice].Bits;

        private IEnumerable<(int, int)> Uniform(int choice) => Layers.Select(l => (l, choice));

        private double BitsPerWeight(int[] choices) => (double)Layers.Sum(l => Bits((l, choices[l]))) / a._weights;

        private KnapsackSolution Solve(Func<int, int, double> loss, long budget)
        {
            KnapsackItem[][] groups = [.. Layers.Select(l => Enumerable.Range(0, _count).Select(c => new KnapsackItem(Bits((l, c)), loss(l, c))).ToArray())];
            return a._asked.Rule == AllocationRule.Worst ? WorstFirst.Solve(groups, budget) : Knapsack.Solve(groups, budget);
        }

        /// <summary>Best first; of equals the one that stands first, allocations before uniform choices.</summary>
        private (IReadOnlyList<MeasuredSelection>, double Dense) Measure(List<(string Name, int[] Choices)> selections)
        {
            var found = new DivergenceResult[selections.Count];
            int done = 0;
            a._probe.Measure([.. selections.Select(s => new Variant(Layers.ToDictionary(l => l, l => s.Choices[l])))], (i, result) =>
            {
                found[i] = result;
                a.Tell("measuring whole models", 0.9, 1, ++done / (double)selections.Count);
            }, a._token);
            var measured = selections.Select((s, i) => new MeasuredSelection(s.Name, BitsPerWeight(s.Choices),
                Layers.Sum(l => Predicted(l, s.Choices[l])), found[i].KlMean, found[i].KlMeanError, found[i].Model.Perplexity));
            return ([.. measured.OrderBy(m => m.Kl)], found[0].Dense.Perplexity);
        }

        private AllocationChoice Choice(int c, int[] kept)
        {
            double bits = (double)Uniform(c).Sum(Bits) / a._weights;
            var method = c < a._asked.Choices.Count ? a._asked.Choices[c] : a._recipes[c].Method;
            return new(a._names[c], method, bits, Uniform(c).Sum(Bits) <= a.Budget,
                Layers.Sum(l => Predicted(l, c)), Layers.Average(l => Error(l, c)), kept.Count(k => k == c));
        }

        private AllocatedLayer Layer(int l, int c) => new(a._candidates[l, c].Name, a._names[c], Bits((l, c)),
            (double)Bits((l, c)) / ((long)a._candidates[l, c].Rows * a._candidates[l, c].Columns), Predicted(l, c), Error(l, c));

        /// <summary>Budgets at equal distances between the lightest and the heaviest selection.</summary>
        private FrontierPoint[] Frontier()
        {
            long least = Layers.Sum(l => Enumerable.Range(0, _count).Min(c => Bits((l, c)))),
                most = Layers.Sum(l => Enumerable.Range(0, _count).Max(c => Bits((l, c))));
            return [.. Enumerable.Range(0, FrontierPoints).Select(i => least + (most - least) * i / (FrontierPoints - 1)).Distinct()
                .Select(budget => Solve(Predicted, budget))
                .Select(s => new FrontierPoint((double)s.Weight / a._weights, s.Loss)).DistinctBy(p => p.BitsPerWeight)];
        }

        private MeasureAgreement? Agreement()
        {
            if (a._asked.Sensitivity != LossMeasure.Kl || a._asked.Probes.Measure != ProbeRule.All) return null;
            var pairs = (from l in Layers from c in Enumerable.Range(0, _count) where c != a._representatives[c] select (l, c)).ToList();
            if (pairs.Count == 0) return null;
            double[] direct = [.. pairs.Select(p => a._harm.Measured(p.l, p.c))];
            return new(Correlation.OfRanks(direct, [.. pairs.Select(p => a._harm.Scaled(p.l, p.c, a._representatives[p.c]))]),
                Correlation.OfRanks(direct, [.. pairs.Select(p => Error(p.l, p.c))]));
        }

        /// <summary>The method that most weights have, and by name the layers that have another.</summary>
        private Recipe ToRecipe(int[] choices)
        {
            var shapes = Plan.Shapes(a._survey.Spec);
            Method[] methods = [.. Layers.Select(l => Assignment.Of(a._recipes[choices[l]], shapes)[shapes[l].Name])];
            var most = Layers.GroupBy(l => methods[l]).MaxBy(g => g.Sum(l => (long)shapes[l].Rows * shapes[l].Columns))!.Key;
            var others = Layers.Where(l => methods[l] != most).ToDictionary(l => shapes[l].Name, l => methods[l]);
            return a._asked.With(most, others.Count > 0 ? others : null);
        }
    }
}
