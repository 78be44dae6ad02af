using Quarank.Checkpoints;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Pipeline;
using Quarank.Tokenizers;

namespace Quarank.Studies;

/// <summary>
/// Brings recipes to the same sizes and measures them beside the dense model. Work is kept under the out folder: killed at any
/// moment, the same call goes on, and what was measured once is not measured again.
/// </summary>
public sealed partial class ComparisonRun
{
    private readonly ComparisonRequest _request;
    private readonly Checkpoint _checkpoint;
    private readonly ModelSizes _sizes;
    private readonly CalibrationSet _calibration;
    private readonly Tokenizer _tokenizer;
    private readonly IReadOnlyList<MeasuredText> _texts;
    private readonly string _work, _statistics;
    private readonly ComparisonClock _clock;
    private readonly CancellationToken _token;

    private ComparisonRun(ComparisonRequest request, Checkpoint checkpoint, IProgress<ComparisonProgress>? progress, CancellationToken token)
    {
        (_request, _checkpoint, _token) = (request, checkpoint, token);
        var spec = ModelSpec.Of(checkpoint);
        if (LayerTable.IsCompressed(checkpoint.Config))
            throw new InvalidDataException($"{checkpoint.Path}: this model is compressed already; compare recipes on the original.");
        if (request.Calibration.Length > spec.ContextLength)
            throw new InvalidDataException(FormattableString.Invariant(
                $"Calibration sequences of {request.Calibration.Length:N0} tokens are longer than the {spec.ContextLength:N0} positions of the model."));
        if (request.Texts.Count == 0) throw new ArgumentException("A comparison needs a text.", nameof(request));
        _sizes = new ModelSizes(checkpoint, spec);
        _tokenizer = Tokenizer.Load(checkpoint.Directory, request.Calibration.TokenizerRules);
        _texts = [.. request.Texts.Select(t => MeasuredText.Of(t, _tokenizer, spec, request))];
        _calibration = CalibrationSet.Read(request.Calibration, _tokenizer, token);
        _work = Path.Combine(Path.GetFullPath(request.OutFolder), "work");
        _statistics = request.Statistics ?? Path.Combine(_work, $"statistics-{_calibration.Hash[..16]}");
        _clock = new ComparisonClock(progress);
    }

    /// <summary>Runs a comparison to its end, from wherever an earlier attempt was left.</summary>
    /// <exception cref="InvalidDataException">Something that was given cannot be used; the message says what, and what to do. A recipe that
    /// cannot be brought to a size, or fails, is no reason: its row says so.</exception>
    public static Comparison Execute(ComparisonRequest request, IProgress<ComparisonProgress>? progress = null, CancellationToken token = default)
    {
        using var checkpoint = Checkpoint.Open(request.ModelFolder);
        return new ComparisonRun(request, checkpoint, progress, token).Run();
    }

    private Comparison Run()
    {
        var rows = Planned();
        Directory.CreateDirectory(_work);
        string model = RunFingerprint.OfModel(_checkpoint);
        var cache = new ComparisonCache(_work, _request.Fresh);

        // Before the dense model has run nothing can be put together, but what is there to do is known from the names of files.
        int wanted = rows.Where(r => IsAskedFor(r)).Select(r => r.Recipe).Distinct().Count();
        _clock.Plan(wanted, gathering: rows.Exists(r => IsAskedFor(r) && r.Propagate == Propagation.Original), _request.Spectra);
        var dense = _clock.Do(ComparisonStep.Dense, "the dense model", p => DenseReference.Of(_checkpoint, _tokenizer, _texts, _request.Tasks, cache, _work, model,
            new Immediate<(double F, string Doing)>(at => Step(p, at.F, at.Doing))));
        var pieces = new ComparisonPieces(_request, _checkpoint, _calibration, _texts, cache);
        var work = new ComparisonWork(_request, _calibration, _tokenizer, _texts, dense, pieces, _statistics, _token);
        var keys = rows.ToDictionary(r => r, r => pieces.KeyOf(r.Recipe));
        var missing = rows.Where(r => IsAskedFor(r) && work.TryLoad(keys[r]) is null).ToList();
        _clock.Plan(missing.Select(r => keys[r]).Distinct().Count(), missing.Exists(r => r.Propagate == Propagation.Original), _request.Spectra, dense: false);
        Gather(missing);
        for (int i = 0; i < rows.Count; i++)
            if (rows[i].State == RowState.Waiting) rows[i] = Told(Measured(rows[i], keys[rows[i]], work));

        return new(RunFingerprint.ThisProgram, BlasLibrary.Describe(), Model(model, dense.Speed),
            [.. _texts.Select((t, i) => Compared(t, dense.Perplexity(i)))], [.. dense.Answers.SelectMany(a => a.Compared())],
            new([.. _request.Calibration.Paths.Select(p => Path.GetFileName(Path.TrimEndingDirectorySeparator(p)))], _request.Calibration.Samples,
                _request.Calibration.Length, _request.Calibration.Sampling, _request.Calibration.Seed, _calibration.Tokens, _calibration.Hash)
            { TokenizerRules = _request.Calibration.TokenizerRules },
            PeakMemory.Measure, rows)
        { Spectra = _request.Spectra ? ComparisonSpectra.Of(_request, _calibration, _statistics, _clock, _token) : null };
    }

    /// <summary>All rows, none measured.</summary>
    private List<ComparisonRow> Planned()
    {
        RefuseUnknown();
        return [.. Targets().SelectMany(target => _request.Recipes.Select(r => Planned(r, target)))];
    }

    /// <summary>The row with its figures, from what is kept or anew; or why there are none.</summary>
    private ComparisonRow Measured(ComparisonRow row, string key, ComparisonWork work)
    {
        _token.ThrowIfCancellationRequested();
        string folder = Path.Combine(_work, $"model-{key}");
        bool kept = work.TryLoad(key) is not null;
        if (IsAskedFor(row) && (!kept || (_request.Keep && !Directory.Exists(folder))))
        {
            string what = FormattableString.Invariant($"{row.Name} at {row.TargetBitsPerWeight:0.###} bits");
            try
            {
                _clock.Do(ComparisonStep.Row, what, p =>
                {
                    work.Fill(row.Recipe, key, folder, new Immediate<(double F, string Doing)>(at => Step(p, at.F, $"{what}, {at.Doing}")));
                    return true;
                });
            }
            // A method may fail in ways of its own; a full disk or a missing file would fail every row alike.
            catch (Exception e) when (e is not (OperationCanceledException or IOException or UnauthorizedAccessException))
            {
                return row with { State = RowState.Failed, Reason = e.Message };
            }
        }
        // A model that a piece left unmeasured waits for the piece that goes on with it.
        if (work.TryLoad(key) is not { } measures) return row;
        if (!_request.Keep && Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        return row with
        {
            State = RowState.Measured,
            Reason = null,
            Measures = measures with { MissPercent = 100.0 * (measures.FileBytes - row.TargetBytes) / row.TargetBytes },
        };
    }

    private bool IsAskedFor(ComparisonRow row) => row.State == RowState.Waiting && _request.Only?.Contains(row.Name) != false
        && _request.OnlySizes?.Any(s => Math.Abs(s / row.TargetBitsPerWeight - 1) < 1e-6) != false;

    private void RefuseUnknown()
    {
        if (_request.Only?.FirstOrDefault(o => _request.Recipes.All(r => r.Name != o)) is { } unknown)
            throw new InvalidDataException($"'{unknown}' is none of the recipes of this comparison: {string.Join(", ", _request.Recipes.Select(r => r.Name))}.");
        double[] sizes = [.. Targets().Select(t => t.Bits)];
        foreach (double size in _request.OnlySizes ?? [])
            if (!Array.Exists(sizes, s => Math.Abs(size / s - 1) < 1e-6))
                throw new InvalidDataException(FormattableString.Invariant($"{size} is none of the sizes of this comparison: {string.Join(", ", sizes.Select(s => FormattableString.Invariant($"{s:0.###}")))}."));
    }

    private ComparisonRow Told(ComparisonRow row)
    {
        _clock.Tell(row);
        return row;
    }

    private void Step(IProgress<(double, string)> progress, double fraction, string doing)
    {
        _token.ThrowIfCancellationRequested();
        progress.Report((fraction, doing));
    }

    /// <summary>Ascending.</summary>
    private IEnumerable<(double Bits, long Bytes)> Targets() => _request.Sizes.Select(size => size switch
    {
        { BitsPerWeight: { } bits } => (bits, _sizes.BytesAt(bits)),
        { Bytes: { } bytes } => (_sizes.BitsPerWeightAt(bytes), bytes),
        { Like.BySize: not null } => throw new InvalidDataException($"{size.Like.Name} has no size of its own; give one in bits per weight, or another recipe."),
        { Like: { } like } => (_sizes.BitsPerWeightOf(like.Recipe), _sizes.BytesOf(like.Recipe)),
        _ => throw new ArgumentException("A size is given in bits per weight, in bytes, or by a recipe."),
    }).DistinctBy(target => target.Item2).OrderBy(target => target.Item2);

    /// <summary>A row with its recipe at its size, which waits to be measured; or with the reason why there is none.</summary>
    private ComparisonRow Planned(NamedRecipe named, (double Bits, long Bytes) target)
    {
        Recipe asked;
        try
        {
            asked = named.At(target.Bits);
        }
        catch (InvalidDataException e) when (named.BySize is not null)
        {
            return new(named.Name, named.Name, target.Bits, target.Bytes, RowState.Unreachable, e.Message, null, named.Recipe);
        }
        var own = asked.Calibration;
        var recipe = asked with
        {
            Propagate = _request.Propagate ?? asked.Propagate,
            Fallback = asked.Fallback ?? false,
            Calibration = _request.Calibration with { TokenWeights = own.TokenWeights, NormCut = own.NormCut },
        };
        recipe.Check();
        if (recipe.EmbeddingBits is not null || recipe.HeadBits is not null)
            throw new InvalidDataException($"{named.Name}: a comparison leaves embedding and head as they are; leave out embeddingBits and headBits.");
        var (fitted, refusal) = SizeFitting.Bring(recipe, _sizes.BitsPerWeightFor(recipe, target.Bytes), _request.Tolerance, _sizes);
        recipe = fitted ?? recipe;
        return new(named.Name, ComparisonText.Describe(recipe), target.Bits, target.Bytes, fitted is null ? RowState.Unreachable : RowState.Waiting,
            refusal ?? "not among the pieces that were asked for", null, recipe);
    }

    /// <summary>The Gram matrices of the original model, for all recipes that are fitted to it.</summary>
    private void Gather(List<ComparisonRow> rows)
    {
        foreach (var group in rows.Where(r => r.Propagate == Propagation.Original).GroupBy(r => r.Recipe.Calibration.NormCut))
        {
            var weighting = new TokenWeighting([.. group.SelectMany(r => r.Recipe.Weighting().Wanted).Distinct().Order()], group.Key);
            using var survey = Survey.Open(_request.ModelFolder, _request.Calibration, _calibration, _statistics, weighting, _token);
            _clock.Do(ComparisonStep.Gather, "observing the original model", p =>
            {
                survey.Gather(new Immediate<RunProgress>(r => Step(p, r.Total, "observing the original model")), _token);
                return true;
            });
        }
    }

    private ComparedModel Model(string hash, DecodeSpeed speed) => new(
        Path.GetFileName(Path.TrimEndingDirectorySeparator(_request.ModelFolder)), hash, _sizes.FileBytes, _sizes.KeptBytes, _sizes.Weights,
        _sizes.Shapes.Count, 8.0 * _sizes.LinearBytes / _sizes.Weights, speed.TokensPerSecond);

    private static ReferenceText Compared(MeasuredText text, Evaluation.PerplexityResult dense) => new(
        text.Name, text.Hash, dense.Protocol, text.Length, text.Segments, dense.Tokens, dense.Perplexity, dense.StandardError, dense.MeanLoss);
}
