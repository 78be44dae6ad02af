using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Quarank.Checkpoints;
using Quarank.Evaluation;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Pipeline;
using Quarank.Tokenizers;

namespace Quarank.Studies;

/// <summary>
/// Brings recipes to the same sizes and measures them beside the dense model. Work is kept under the out folder: killed at any
/// moment, the same call goes on, and what was measured once is not measured again.
/// </summary>
public sealed class ComparisonRun
{
    private const int UsualLength = 2048;

    private readonly ComparisonRequest _request;
    private readonly Checkpoint _checkpoint;
    private readonly ModelSpec _spec;
    private readonly ModelSizes _sizes;
    private readonly CalibrationSet _calibration;
    private readonly int[] _ids;
    private readonly int _length, _segments;
    private readonly string _work, _statistics;
    private readonly ComparisonClock _clock;
    private readonly CancellationToken _token;
    private Predictor? _dense;

    private ComparisonRun(ComparisonRequest request, Checkpoint checkpoint, IProgress<ComparisonProgress>? progress, CancellationToken token)
    {
        (_request, _checkpoint, _token) = (request, checkpoint, token);
        _spec = ModelSpec.Of(checkpoint);
        if (LayerTable.IsCompressed(checkpoint.Config))
            throw new InvalidDataException($"{checkpoint.Path}: this model is compressed already; compare recipes on the original.");
        if (request.Calibration.Length > _spec.ContextLength)
            throw new InvalidDataException(FormattableString.Invariant(
                $"Calibration sequences of {request.Calibration.Length:N0} tokens are longer than the {_spec.ContextLength:N0} positions of the model."));
        _sizes = new ModelSizes(checkpoint, _spec);
        var tokenizer = Tokenizer.Load(checkpoint.Directory, request.Calibration.TokenizerRules);
        (_ids, _length, _segments) = Cut(tokenizer.Encode(request.Text));
        _calibration = CalibrationSet.Read(request.Calibration, tokenizer, token);
        _work = Path.Combine(Path.GetFullPath(request.OutFolder), "work");
        _statistics = request.Statistics ?? Path.Combine(_work, $"statistics-{_calibration.Hash[..16]}");
        _clock = new ComparisonClock(progress);
    }

    /// <summary>Runs a comparison to its end, from wherever an earlier attempt was left.</summary>
    /// <exception cref="InvalidDataException">Something that was given cannot be used; the message says what, and what to do. A recipe that
    /// cannot be brought to a size is no reason: its row says so.</exception>
    public static Comparison Execute(ComparisonRequest request, IProgress<ComparisonProgress>? progress = null, CancellationToken token = default)
    {
        using var checkpoint = Checkpoint.Open(request.ModelFolder);
        return new ComparisonRun(request, checkpoint, progress, token).Run();
    }

    private Comparison Run()
    {
        List<ComparisonRow> rows = [.. Targets().SelectMany(target => _request.Recipes.Select(r => Planned(r, target)))];
        Directory.CreateDirectory(_work);
        string model = RunFingerprint.OfModel(_checkpoint), text = HashOf(_ids), key = DenseStates.Key(model, text, _length);
        var cache = new ComparisonCache(_work, key);
        string KeyOf(Recipe recipe) => cache.Key(RunFingerprint.Of(recipe, _checkpoint, _calibration));
        var kept = rows.Where(r => r.Refusal is null).Select(r => KeyOf(r.Recipe)).Distinct()
            .ToDictionary(k => k, k => _request.Fresh ? null : cache.TryLoad(k));

        var missing = rows.Where(r => r.Refusal is null && kept[KeyOf(r.Recipe)] is null).ToList();
        _clock.Plan(missing.Select(r => KeyOf(r.Recipe)).Distinct().Count(), gathering: missing.Exists(r => r.Propagate == Propagation.Original), _request.Spectra);
        var states = _clock.Do(ComparisonStep.Dense, "the dense model", p =>
            DenseStates.Of(_checkpoint, _ids, _length, _segments, _work, key, new Immediate<double>(f => Step(p, f, "the dense model"))));
        if (missing.Count > 0) Gather(missing);
        var work = new ComparisonWork(_request, _calibration, _statistics, _ids, _length, _segments, () => _dense ??= states.Predictor(LoadHead()), _token);
        for (int i = 0; i < rows.Count; i++)
            if (rows[i].Refusal is null) rows[i] = Measured(rows[i], KeyOf(rows[i].Recipe), kept, cache, work);

        return new(RunFingerprint.ThisProgram, BlasLibrary.Describe(), Model(model, states.Perplexity),
            new(_request.TextName, text, states.Perplexity.Protocol, _length, _segments, states.Perplexity.Tokens),
            new([.. _request.Calibration.Paths.Select(p => Path.GetFileName(Path.TrimEndingDirectorySeparator(p)))], _request.Calibration.Samples,
                _request.Calibration.Length, _request.Calibration.Sampling, _request.Calibration.Seed, _calibration.Tokens, _calibration.Hash)
            { TokenizerRules = _request.Calibration.TokenizerRules },
            PeakMemory.Measure, rows)
        { Spectra = _request.Spectra ? ComparisonSpectra.Of(_request, _calibration, _statistics, _clock, _token) : null };
    }

    private ComparisonRow Measured(
        ComparisonRow row, string key, Dictionary<string, ComparisonMeasures?> kept, ComparisonCache cache, ComparisonWork work)
    {
        _token.ThrowIfCancellationRequested();
        string folder = Path.Combine(_work, $"model-{key}");
        if (kept[key] is null || (_request.Keep && !Directory.Exists(folder)))
        {
            try
            {
                string what = $"{row.Name} at {row.TargetBitsPerWeight:0.###} bits";
                kept[key] = _clock.Do(ComparisonStep.Row, what, p =>
                    work.Measure(row.Recipe, folder, new Immediate<(double F, string Doing)>(at => Step(p, at.F, $"{what}, {at.Doing}"))));
                cache.Save(key, kept[key]!);
            }
            catch (InvalidDataException e)
            {
                return Told(row with { Refusal = e.Message });
            }
        }
        if (!_request.Keep && Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        var measures = kept[key]!;
        return Told(row with { Measures = measures with { MissPercent = 100.0 * (measures.FileBytes - row.TargetBytes) / row.TargetBytes } });
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
        { Like: { } like } => (_sizes.BitsPerWeightOf(like.Recipe), _sizes.BytesOf(like.Recipe)),
        _ => throw new ArgumentException("A size is given in bits per weight, in bytes, or by a recipe."),
    }).DistinctBy(target => target.Item2).OrderBy(target => target.Item2);

    /// <summary>A row with its recipe at its size, or with the reason why there is none.</summary>
    private ComparisonRow Planned(NamedRecipe named, (double Bits, long Bytes) target)
    {
        var own = named.Recipe.Calibration;
        var recipe = named.Recipe with
        {
            Propagate = _request.Propagate ?? named.Recipe.Propagate,
            Calibration = _request.Calibration with { TokenWeights = own.TokenWeights, NormCut = own.NormCut },
        };
        recipe.Check();
        if (recipe.EmbeddingBits is not null || recipe.HeadBits is not null)
            throw new InvalidDataException($"{named.Name}: a comparison leaves embedding and head as they are; leave out embeddingBits and headBits.");
        var (fitted, refusal) = SizeFitting.Bring(recipe, _sizes.BitsPerWeightFor(recipe, target.Bytes), _request.Tolerance, _sizes);
        recipe = fitted ?? recipe;
        return new(named.Name, ComparisonText.Describe(recipe), target.Bits, target.Bytes, refusal, null, recipe);
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

    private Head LoadHead() => Models.Model.LoadHead(_checkpoint, _spec, Models.Model.LoadEmbedding(_checkpoint, _spec));

    private ComparedModel Model(string hash, PerplexityResult dense) => new(
        Path.GetFileName(Path.TrimEndingDirectorySeparator(_request.ModelFolder)), hash, _sizes.FileBytes, _sizes.KeptBytes, _sizes.Weights,
        _sizes.Shapes.Count, 8.0 * _sizes.LinearBytes / _sizes.Weights, dense.Perplexity, dense.StandardError, dense.MeanLoss);

    /// <summary>Only the tokens that are evaluated.</summary>
    private (int[] Ids, int Length, int Segments) Cut(int[] ids)
    {
        int length = _request.Length ?? Math.Min(UsualLength, _spec.ContextLength);
        if (length < 2 || length > _spec.ContextLength)
            throw new InvalidDataException(FormattableString.Invariant(
                $"{_request.ModelFolder}: segments of {length:N0} tokens do not fit the {_spec.ContextLength:N0} positions of this model; give another length."));
        int segments = Math.Min(ids.Length / length, _request.Segments ?? int.MaxValue);
        if (segments < 1)
            throw new InvalidDataException(FormattableString.Invariant(
                $"{_request.TextName}: too short: it has {ids.Length:N0} tokens, a segment needs {length:N0}; give a longer text, or shorter segments."));
        return (ids[..(segments * length)], length, segments);
    }

    private static string HashOf(int[] ids) => Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<int>(ids)));
}
