using System.Diagnostics;
using Quarank.Checkpoints;
using Quarank.Evaluation;
using Quarank.Models;
using Quarank.Pipeline;

namespace Quarank.Studies;

/// <summary>Makes one model by a recipe and measures it beside the dense one.</summary>
/// <param name="ids">The evaluation's tokens.</param>
/// <param name="dense">Gives the dense model's distributions.</param>
internal sealed class ComparisonWork(
    ComparisonRequest request, CalibrationSet calibration, string statistics, int[] ids, int length, int segments, Func<Predictor> dense,
    CancellationToken token)
{
    /// <summary>Compresses into a folder, from wherever an earlier attempt was left, and measures what stands there.</summary>
    /// <exception cref="InvalidDataException">The recipe or its model came to grief; the message says how.</exception>
    public ComparisonMeasures Measure(Recipe recipe, string folder, IProgress<(double Fraction, string Doing)> progress)
    {
        var (report, peak) = Compress(recipe, folder, progress);
        var clock = Stopwatch.StartNew();
        using var checkpoint = Checkpoint.Open(folder);
        var model = Model.Load(checkpoint);
        var shown = new Immediate<EvaluationProgress>(p =>
        {
            token.ThrowIfCancellationRequested();
            progress.Report((0.5 + 0.5 * p.Done / p.Total, FormattableString.Invariant($"segment {p.Done} of {p.Total}")));
        });
        var found = Divergence.OfSegments(dense(), Predictor.Of(model, ids, length), ids, length, segments, shown);
        var blocks = Enumerable.Range(0, model.Spec.BlockCount)
            .SelectMany(b => model.Spec.Projections(b).Select(p => (p.Name, Block: b))).ToDictionary(p => p.Name, p => p.Block);
        var worst = report.Layers.MaxBy(l => double.IsNaN(l.RelativeError) ? double.MaxValue : l.RelativeError)!;
        return new(checkpoint.FileBytes, 0, report.BitsPerWeight, found.Model.Perplexity, found.Model.StandardError, found.LossDifference,
            found.LossDifferenceError, found.KlMean, found.KlMeanError, found.Kl99, found.TopAgreement, report.MeanRelativeError,
            worst.RelativeError, worst.Name, report.Seconds.Compress, report.Seconds.Sum(), clock.Elapsed.TotalSeconds, peak,
            [.. report.Layers.Select(l => Layer(l, blocks[l.Name]))]);
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

    private static LayerMeasure Layer(LayerReport l, int block) => new(l.Name, l.Name[(l.Name.LastIndexOf('.') + 1)..], block, l.Rows,
        l.Columns, ComparisonText.Describe(l.Form), ComparisonText.Rank(l.Form), l.BitsPerWeight, l.RelativeError, l.Sink, l.Seconds);
}
