using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Pipeline;
using Quarank.Tokenizers;

namespace Quarank.Studies.Paper;

/// <summary>The papers' tables and figures that can be done again: LoRDQ's, and of LRQ's what learning does on text that was not seen.</summary>
public enum StudyName
{
    /// <summary>Table 3.</summary>
    Blocks,

    /// <summary>Table 6.</summary>
    Bits,

    /// <summary>Figure 2.</summary>
    Rank,

    /// <summary>Figure 3.</summary>
    Spectra,

    /// <summary>Tables 1, 2, 4 and 5.</summary>
    Methods,

    /// <summary>LRQ's figures 2 and 3.</summary>
    Gap,
}

/// <summary>What a study is made with.</summary>
/// <param name="Model">A folder with the original.</param>
/// <param name="Calibration">One for all rows; how its tokens count is each row's own affair.</param>
/// <param name="CacheFolder">Where rows, spectra and statistics wait for the next study.</param>
public sealed record StudyRequest(string Model, CalibrationSettings Calibration, string CacheFolder)
{
    public Propagation Propagate { get; init; } = Propagation.Original;

    public int Seed { get; init; }

    /// <summary>Where Gram matrices are kept; by default inside the cache.</summary>
    public string? Statistics { get; init; }

    /// <summary>Names and contents of the texts to foretell.</summary>
    public IReadOnlyList<(string Name, string Text)> Texts { get; init; } = [];

    /// <summary>Tokens in a segment of a text.</summary>
    public int Length { get; init; } = 2048;

    /// <summary>At most so many segments of each text.</summary>
    public int? Segments { get; init; }

    /// <summary>The budget of blocks and bits.</summary>
    public double BitsPerWeight { get; init; } = 2;

    /// <summary>What it counts; codes alone in the paper.</summary>
    public BitBudget Budget { get; init; } = BitBudget.Codes;

    /// <summary>Pairs of bits beside the paper's.</summary>
    public IReadOnlyList<(int P, int Q)> Pairs { get; init; } = [];

    /// <summary>The bits of methods.</summary>
    public IReadOnlyList<int> Bits { get; init; } = [2, 3];

    /// <summary>What gap tries; needed for it alone.</summary>
    public GapRequest? Gap { get; init; }
}

/// <summary>Does the LoRDQ paper's studies again on any model.</summary>
public static class PaperStudies
{
    // Observing the original model takes as long as about so many rows.
    private const double ObservingRows = 4;

    /// <exception cref="InvalidDataException">Something that was given cannot be used; the message says what, and what to do.</exception>
    public static StudyResult Run(StudyName study, StudyRequest request, IProgress<StudyProgress>? progress = null, CancellationToken token = default)
    {
        bool layers = study is StudyName.Rank or StudyName.Spectra;
        if (layers && request.Propagate != Propagation.Original)
            throw new InvalidDataException("The studies rank and spectra look at the original model; leave out --propagate compressed.");
        string cache = Path.GetFullPath(request.CacheFolder);
        Directory.CreateDirectory(cache);
        var variants = new Func<IReadOnlyList<LayerShape>, IReadOnlyList<StudyVariant>>(shapes => study switch
        {
            StudyName.Blocks => BlocksStudy.Variants(request.BitsPerWeight, request.Budget),
            StudyName.Bits => BitsStudy.Variants(request.BitsPerWeight, request.Budget, request.Pairs),
            StudyName.Methods => MethodsStudy.Variants(request.Bits, shapes),
            _ => [],
        });
        TokenWeights[] weights = study == StudyName.Methods ? MethodsStudy.Weights(request.Bits) : [];
        using var survey = Survey.Open(request.Model, request.Calibration, null, request.Statistics ?? Path.Combine(cache, "statistics"),
            new TokenWeighting(weights, request.Calibration.NormCut), token);
        if (study == StudyName.Gap) return OfGap(request, cache, survey, progress, token);
        return layers ? OfLayers(study, request, cache, survey, progress, token) : OfRows(study, request, cache, survey, variants(survey.Shapes), progress, token);
    }

    private static StudyResult OfLayers(StudyName study, StudyRequest request, string cache, Survey survey, IProgress<StudyProgress>? progress, CancellationToken token)
    {
        var methods = study == StudyName.Spectra ? SpectraStudy.Methods(survey.Shapes) : new Dictionary<string, Method>();
        var surveyed = new SpectrumCollector(survey, cache, Blocks(progress, 0, 1), token).Collect(methods);
        var setting = Setting(request, survey, []);
        return study == StudyName.Spectra ? SpectraStudy.Of(setting, surveyed) : RankStudy.Of(setting, [.. surveyed.Select(s => s.Spectrum)]);
    }

    private static StudyResult OfGap(StudyRequest request, string cache, Survey survey, IProgress<StudyProgress>? progress, CancellationToken token)
    {
        var gap = request.Gap ?? throw new ArgumentException("The study of generalization needs to know blocks, numbers of sequences and ranks.", nameof(request));
        var texts = Texts(request with { Length = request.Calibration.Length }, survey.Spec);
        int[][]? unseen = texts.Count == 0 ? null
            : [.. texts.SelectMany(t => Enumerable.Range(0, t.Count).Select(i => t.Ids[(i * t.Length)..((i + 1) * t.Length)]))];
        if (unseen?.Length < gap.Unseen)
            throw new InvalidDataException(FormattableString.Invariant($"The texts have {unseen.Length} sequences of {request.Calibration.Length:N0} tokens, {gap.Unseen} are to be measured on; give more text, or a smaller --unseen."));
        var points = new GapRunner(survey, gap, cache, unseen, progress, token).Run();
        return GapStudy.Of(Setting(request, survey, []), gap, points, texts.Count == 0 ? "the calibration's text" : string.Join(", ", texts.Select(t => t.Name)));
    }

    private static StudyResult OfRows(
        StudyName study, StudyRequest request, string cache, Survey survey, IReadOnlyList<StudyVariant> variants, IProgress<StudyProgress>? progress, CancellationToken token)
    {
        var recipe = new Recipe(variants[0].Method, request.Calibration) { Propagate = request.Propagate, Seed = request.Seed };
        var texts = Texts(request, survey.Spec);
        bool observe = request.Propagate == Propagation.Original && survey.Missing > 0;
        double before = observe ? ObservingRows / (ObservingRows + variants.Count) : 0;
        if (observe) survey.Gather(Blocks(progress, 0, before), token);
        var rest = progress is null ? null : new Immediate<StudyProgress>(p => progress.Report(p with { Total = before + (1 - before) * p.Total }));
        var runner = new RowRunner(request.Model, recipe, cache, request.Statistics ?? Path.Combine(cache, "statistics"), texts, rest, token);
        var setting = Setting(request, survey, runner.Dense(survey));
        var rows = runner.Run(variants, survey);
        return study switch
        {
            StudyName.Blocks => BlocksStudy.Of(setting, rows),
            StudyName.Bits => BitsStudy.Of(setting, rows),
            _ => MethodsStudy.Of(setting, rows, request.Bits),
        };
    }

    private static Immediate<RunProgress>? Blocks(IProgress<StudyProgress>? progress, double from, double share) => progress is null ? null
        : new(p => progress.Report(new(from + share * p.Total, $"{(p.Phase == RunPhase.Observe ? "observing" : "layers of")} block {p.Block + 1} of {p.Blocks}")));

    private static List<StudyText> Texts(StudyRequest request, ModelSpec spec)
    {
        if (request.Length > spec.ContextLength)
            throw new InvalidDataException(FormattableString.Invariant($"Segments of {request.Length:N0} tokens are longer than the {spec.ContextLength:N0} positions of the model; give a smaller --text-length."));
        using var checkpoint = Checkpoint.Open(request.Model);
        var tokenizer = Tokenizer.Load(checkpoint.Directory, request.Calibration.TokenizerRules);
        var texts = new List<StudyText>();
        foreach (var (name, content) in request.Texts)
        {
            int[] ids = tokenizer.Encode(content);
            if (ids.Length < request.Length)
                throw new InvalidDataException(FormattableString.Invariant($"{name}: too short: it has {ids.Length:N0} tokens, a segment needs {request.Length:N0}; give a longer text, or a smaller --text-length."));
            texts.Add(new(name, ids, request.Length, request.Segments));
        }
        return texts;
    }

    private static StudySetting Setting(StudyRequest request, Survey survey, IReadOnlyList<DenseScore> texts)
    {
        var c = request.Calibration;
        return new(RunFingerprint.ThisProgram, BlasLibrary.Describe(), Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.Model))), survey.ModelHash,
            new([.. c.Paths.Select(p => Path.GetFileName(Path.TrimEndingDirectorySeparator(p)))], c.Samples, c.Length, c.Sampling, c.Seed, survey.Calibration.Tokens, survey.Calibration.Hash) { TokenizerRules = c.TokenizerRules },
            request.Propagate, texts);
    }
}
