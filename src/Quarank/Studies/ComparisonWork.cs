using System.Diagnostics;
using Quarank.Checkpoints;
using Quarank.Evaluation;
using Quarank.Evaluation.Tasks;
using Quarank.Models;
using Quarank.Pipeline;
using Quarank.Tokenizers;

namespace Quarank.Studies;

/// <summary>Makes models by recipes and measures each beside the dense one, a piece at a time; what is kept is not done again.</summary>
/// <param name="statistics">The folder of the original's Gram matrices.</param>
internal sealed class ComparisonWork(
    ComparisonRequest request, CalibrationSet calibration, Tokenizer tokenizer, IReadOnlyList<MeasuredText> texts, DenseReference dense,
    ComparisonPieces pieces, string statistics, CancellationToken token)
{
    private readonly int _tasks = request.Tasks.Count;

    /// <summary>All figures of a model; null as long as a piece is missing.</summary>
    public ComparisonMeasures? TryLoad(string key)
    {
        if (pieces.Made(key) is not { } made || pieces.Speed(key) is not { } speed) return null;
        TextMeasures?[] read = [.. texts.Select((_, i) => pieces.Text(key, i))];
        TaskAnswers?[] answers = [.. request.Tasks.Select((_, i) => pieces.Answers(key, i))];
        if (Array.Exists(read, t => t is null) || Array.Exists(answers, a => a is null)) return null;
        return made with
        {
            Texts = read!,
            Tasks = [.. answers.Zip(dense.Answers).SelectMany(p => p.First!.Beside(p.Second))],
            TokensPerSecond = speed.TokensPerSecond,
        };
    }

    /// <summary>
    /// Does the pieces that are missing: compresses into the folder, from wherever an earlier attempt was left, loads the model once and measures it.
    /// </summary>
    /// <exception cref="Exception">The recipe or its model came to grief; the message says how. Finished pieces stay.</exception>
    public void Fill(Recipe recipe, string key, string folder, IProgress<(double Fraction, string Doing)> progress)
    {
        var (report, peak) = Compress(recipe, folder, progress);
        using var checkpoint = Checkpoint.Open(folder);
        if (pieces.Made(key) is null) pieces.Keep(key, Made(report, checkpoint, peak));
        var model = Model.Load(checkpoint);
        int parts = texts.Count + _tasks, done = 0;
        Immediate<(double, string)> Part() => new(p =>
        {
            token.ThrowIfCancellationRequested();
            progress.Report((0.5 + 0.5 * (done + p.Item1) / parts, p.Item2));
        });
        for (int i = 0; i < texts.Count; i++, done++)
            if (pieces.Text(key, i) is null) pieces.Keep(key, i, Measure(model, i, Part()));
        for (int i = 0; i < _tasks; i++, done++)
        {
            if (pieces.Answers(key, i) is not null) continue;
            var told = Part();
            pieces.Keep(key, i, TaskAnswers.Of(model, tokenizer, request.Tasks[i], new Immediate<TaskProgress>(p =>
                told.Report((p.Fraction, FormattableString.Invariant($"{p.Task}: document {p.Done} of {p.Total}"))))));
        }
        if (pieces.Speed(key) is null) pieces.Keep(key, DecodeSpeed.Of(model));
    }

    private TextMeasures Measure(Model model, int text, Immediate<(double, string)> progress)
    {
        var (name, ids, length, segments, _) = texts[text];
        var clock = Stopwatch.StartNew();
        var found = Divergence.OfSegments(dense.Predictor(text), Predictor.Of(model, ids, length), ids, length, segments,
            new Immediate<EvaluationProgress>(p => progress.Report(((double)p.Done / p.Total, FormattableString.Invariant($"{name}, segment {p.Done} of {p.Total}")))));
        return new(found.Model.Perplexity, found.Model.StandardError, found.LossDifference, found.LossDifferenceError, found.KlMean, found.KlMeanError,
            found.Kl99, found.TopAgreement, clock.Elapsed.TotalSeconds);
    }

    private (CompressionReport, long?) Compress(Recipe recipe, string folder, IProgress<(double, string)> progress)
    {
        // A model that an earlier attempt finished and did not measure is measured; its peak went with that process.
        if (!Directory.Exists(folder + ".run") && CompressionReport.TryLoad(folder) is { } finished) return (finished, finished.PeakMemoryBytes);
        var options = new RunOptions
        {
            Calibration = calibration,
            Statistics = recipe.Propagate == Propagation.Original ? statistics : null,
        };
        using var memory = PeakMemory.Begin();
        var report = CompressionRun.Execute(request.ModelFolder, folder, recipe, options, new Immediate<RunProgress>(p =>
            progress.Report((0.5 * p.Total, FormattableString.Invariant($"block {p.Block + 1} of {p.Blocks}")))), token);
        return (report, memory.Bytes);
    }

    private static ComparisonMeasures Made(CompressionReport report, Checkpoint checkpoint, long? peak)
    {
        var spec = ModelSpec.Of(checkpoint);
        var blocks = Enumerable.Range(0, spec.BlockCount).SelectMany(b => spec.Projections(b).Select(p => (p.Name, Block: b))).ToDictionary(p => p.Name, p => p.Block);
        var worst = report.Layers.MaxBy(l => double.IsNaN(l.RelativeError) ? double.MaxValue : l.RelativeError)!;
        return new(checkpoint.FileBytes, 0, report.BitsPerWeight, [], [], report.MeanRelativeError, worst.RelativeError, worst.Name,
            report.Seconds.Compress, report.Seconds.Sum(), 0, peak, [.. report.Layers.Select(l => Layer(l, blocks[l.Name]))]);
    }

    private static LayerMeasure Layer(LayerReport l, int block) => new(l.Name, l.Name[(l.Name.LastIndexOf('.') + 1)..], block, l.Rows,
        l.Columns, ComparisonText.Describe(l.Form), ComparisonText.Rank(l.Form), l.BitsPerWeight, l.RelativeError, l.Sink, l.Seconds)
    {
        PlainRounding = l.PlainRounding,
        Replaced = l.Replaced,
    };
}
