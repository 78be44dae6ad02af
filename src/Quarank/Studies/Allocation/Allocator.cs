using System.Security.Cryptography;
using System.Text;
using Quarank.Compression.Methods;
using Quarank.Pipeline;

namespace Quarank.Studies.Allocation;

/// <summary>
/// Gives every layer of a model one of some choices, under one budget of stored bytes: compresses each layer by each choice on the
/// original's activations, charges each with the harm it does, solves the knapsack, and measures the outcome beside the uniform
/// choices. What is measured best becomes the recipe.
/// </summary>
public sealed partial class Allocator
{
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
        new Immediate<RunProgress>(p => Tell($"compressing block {p.Block + 1} of {p.Blocks} by every choice", from, to, p.Total)),
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
}
