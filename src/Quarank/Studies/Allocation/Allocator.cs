using System.Security.Cryptography;
using System.Text;
using Quarank.Compression;
using Quarank.Compression.Allocation;
using Quarank.Compression.Methods;
using Quarank.Evaluation;
using Quarank.Numerics;
using Quarank.Pipeline;

namespace Quarank.Studies.Allocation;

/// <summary>
/// Gives every layer of a model one of some choices, under one budget of stored bytes: compresses each layer by each choice on the
/// original's activations, charges each with the harm it does, solves the knapsack, and measures the outcome beside the uniform
/// choices. What is measured best becomes the recipe.
/// </summary>
public sealed class Allocator
{
    private const int FrontierPoints = 17;
    private const string Allocated = "allocated", ByError = "allocated by error";

    private readonly Survey _survey;
    private readonly AllocationRecipe _asked;
    private readonly AllocationOptions _options;
    private readonly IProgress<AllocationProgress>? _progress;
    private readonly CancellationToken _token;
    private readonly Candidates _candidates;
    private readonly VariantProbe _probe;
    private readonly Harm _harm;
    private readonly List<Recipe> _recipes = [];
    private readonly List<string> _names = [];
    private readonly int _layers;
    private readonly long _weights;
    private int[] _representatives = [];

    private Allocator(Survey survey, AllocationRecipe asked, AllocationOptions options, IProgress<AllocationProgress>? progress,
        CancellationToken token)
    {
        (_survey, _asked, _options, _progress, _token) = (survey, asked, options, progress, token);
        var shapes = Plan.Shapes(survey.Spec);
        (_layers, _weights) = (shapes.Count, shapes.Sum(s => (long)s.Rows * s.Columns));
        string work = Path.GetFullPath(options.WorkFolder);
        _candidates = new(Path.Combine(work, "candidates"), survey);
        var (samples, length) = (asked.Probes.SamplesOf(asked.Calibration), asked.Probes.LengthOf(asked.Calibration));
        int[][] sequences = [.. survey.Calibration.Sequences.Take(samples).Select(s => s[..length])];
        _probe = new(survey.Checkpoint, survey.Spec, sequences, _candidates.Load);
        string key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
            FormattableString.Invariant($"{survey.Calibration.Hash} {samples} {length}"))))[..16];
        _harm = new(work, key, _candidates, _probe, _layers);
    }

    /// <summary>Allocates; all that is found on the way is kept in the work folder and serves other budgets and choices.</summary>
    /// <exception cref="InvalidDataException">Something that was given cannot be used; the message says what, and what to
    /// do.</exception>
    public static Allocation Run(string modelFolder, AllocationRecipe asked, AllocationOptions options,
        IProgress<AllocationProgress>? progress = null, CancellationToken token = default)
    {
        asked.Check();
        string statistics = options.Statistics ?? Path.Combine(options.WorkFolder, "statistics");
        using var survey = Survey.Open(
            modelFolder, asked.Calibration, null, statistics, asked.Calibration.WeightingFor(asked.Choices), token);
        Directory.CreateDirectory(options.WorkFolder);
        return new Allocator(survey, asked, options, progress, token).Run();
    }

    /// <summary>Whether a measured selection is an allocation, and not one choice for all layers.</summary>
    public static bool IsAllocation(string selection) => selection is Allocated or ByError;

    private Allocation Run()
    {
        foreach (var (method, name) in _asked.Choices.Zip(ChoiceNames.Of(_asked.Choices, _options.Names)))
            Add(name, WaterFilling.Resolve(_asked.With(method), _survey, null, null, _token));
        Fill(0, 0.35);
        RefuseSmallBudget();
        _representatives = _harm.Representatives([.. _recipes.Select(r => r.Method)]);
        if (_asked.Sensitivity == LossMeasure.Kl)
        {
            Charge(0.35, 0.85);
            if (Refill()) Charge(0.85, 0.9);
        }
        return new Outcome(this).Find();
    }

    private void Add(string name, Recipe recipe)
    {
        _names.Add(name);
        _recipes.Add(recipe);
        _candidates.Add(recipe);
    }

    private void Fill(double from, double to) => _candidates.Fill(
        new Immediately<RunProgress>(p => Tell($"compressing block {p.Block + 1} of {p.Blocks} by every choice", from, to, p.Total)),
        _token);

    /// <summary>Measures the divergences that the probe rule asks for.</summary>
    private void Charge(double from, double to)
    {
        var all = from l in Enumerable.Range(0, _layers) from c in Enumerable.Range(0, _recipes.Count) select (l, c);
        var pairs = _asked.Probes.Measure == ProbeRule.All ? all.ToList()
            : all.Where(p => _representatives.Contains(p.c)).ToList();
        _harm.Measure(pairs, done => Tell("measuring what single layers do to the predictions", from, to, done), _token);
    }

    /// <summary>Water-filled choices once more, each layer's components weighted by the harm that its error was seen to do.</summary>
    private bool Refill()
    {
        int before = _recipes.Count;
        var layers = Plan.Shapes(_survey.Spec).Select((s, i) => (s.Name, i)).ToDictionary(l => l.Name, l => l.i);
        for (int c = 0; c < before; c++)
        {
            if (_asked.Choices[c] is not Lordq { Ranks: RankRule.WaterFilling }) continue;
            int representative = _representatives[c];
            double Sensitivity(string name) => _candidates[layers[name], representative] is { Error: > 0 } candidate
                ? _harm.Measured(layers[name], representative) / candidate.Error : 0;
            Add($"{_names[c]}, sensitivity", WaterFilling.Resolve(_asked.With(_asked.Choices[c]), _survey, Sensitivity, null, _token));
        }
        if (_recipes.Count == before) return false;
        _representatives = [.. _representatives, .. Enumerable.Range(0, before)
            .Where(c => _asked.Choices[c] is Lordq { Ranks: RankRule.WaterFilling }).Select(c => _representatives[c])];
        Fill(0.85, 0.87);
        return true;
    }

    private void RefuseSmallBudget()
    {
        long least = Enumerable.Range(0, _layers).Sum(l => Enumerable.Range(0, _recipes.Count).Min(c => _candidates[l, c].Bits));
        if (least > Budget)
            throw new InvalidDataException(FormattableString.Invariant(
                $"{_asked.BitsPerWeight} bits per weight are too few: the cheapest choice in every layer takes {(double)least / _weights:0.####}; ask for more, or add a cheaper choice."));
    }

    private long Budget => (long)Math.Floor(_asked.BitsPerWeight * _weights);

    private void Tell(string stage, double from, double to, double done) => _progress?.Report(new(stage, from + (to - from) * done));

    /// <summary>From harm to recipe.</summary>
    private sealed class Outcome(Allocator a)
    {
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

        private KnapsackSolution Solve(Func<int, int, double> loss, long budget) => Knapsack.Solve(
            [.. Layers.Select(l => Enumerable.Range(0, _count).Select(c => new KnapsackItem(Bits((l, c)), loss(l, c))).ToArray())], budget);

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
            return new(Harm.RankCorrelation(direct, [.. pairs.Select(p => a._harm.Scaled(p.l, p.c, a._representatives[p.c]))]),
                Harm.RankCorrelation(direct, [.. pairs.Select(p => Error(p.l, p.c))]));
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

    private sealed class Immediately<T>(Action<T> tell) : IProgress<T>
    {
        public void Report(T value) => tell(value);
    }
}
