using System.Diagnostics;
using Quarank.Compression;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Pipeline;

/// <summary>Compresses projections of one block side by side, and measures what became of each.</summary>
/// <param name="together">Whether several layers are compressed at once, a thread each; else one after the other, all threads on each.</param>
internal sealed class LayerCompressor(Assignment methods, Recipe recipe, RunClock clock, CancellationToken token, bool together = true)
{
    private const long LargeWork = 256L << 20;

    private readonly LayerGuard _guard = new(recipe.Fallback ?? true);

    /// <summary>
    /// Replaces the weights of <paramref name="projections"/> and returns their lines of the report, in the same order.
    /// </summary>
    /// <param name="scaled">What was folded into their block, if anything was.</param>
    public LayerReport[] Compress(
        IReadOnlyList<Projection> projections, IReadOnlyDictionary<InputSite, SiteStatistics> statistics, ScaledBlock? scaled = null)
    {
        // The largest first, so that the pool ends together; who takes which does not matter to the results.
        int[] order = [.. Enumerable.Range(0, projections.Count).OrderByDescending(i => Cost(projections[i]))];
        var reports = new LayerReport[projections.Count];
        var weights = new Linear[projections.Count];
        var losses = new double[projections.Count];
        int taken = -1, finished = 0;
        void Next()
        {
            token.ThrowIfCancellationRequested();
            int i = order[Interlocked.Increment(ref taken)];
            (weights[i], reports[i], losses[i]) = Compress(projections[i], statistics[projections[i].Site], scaled);
            // What a large layer was worked out in is more than the collector would let lie for long.
            if (methods[projections[i].Name].WorkBytes(projections[i].Weight.Rows, projections[i].Weight.Columns) > LargeWork) GC.Collect();
            lock (reports) clock.Report(++finished / (double)projections.Count, reports[i]);
        }

        long start = Stopwatch.GetTimestamp();
        if (together) Threads.For(projections.Count, _ => Next());
        else while (finished < projections.Count) Next();
        double seconds = reports.Sum(r => r.Seconds);
        if (seconds > 0) clock.Move(RunPhase.Compress, RunPhase.Loss, Stopwatch.GetElapsedTime(start).TotalSeconds * losses.Sum() / seconds);
        for (int i = 0; i < weights.Length; i++) projections[i].Weight = weights[i];
        return reports;
    }

    /// <summary>As <see cref="Compress(IReadOnlyList{Projection}, IReadOnlyDictionary{InputSite, SiteStatistics}, ScaledBlock?)"/>, for layers that are learned together.</summary>
    /// <param name="learn">Gives the layers' forms, in their order.</param>
    public LayerReport[] Learn(
        IReadOnlyList<Projection> projections, IReadOnlyDictionary<InputSite, SiteStatistics> statistics, ScaledBlock? scaled,
        Func<IReadOnlyList<LayerProblem>, IReadOnlyList<Linear>> learn)
    {
        long start = Stopwatch.GetTimestamp();
        var (problems, notes) = (new LayerProblem[projections.Count], new List<string>[projections.Count]);
        for (int i = 0; i < problems.Length; i++) problems[i] = Problem(projections[i], statistics[projections[i].Site], scaled, notes[i] = []);
        foreach (var problem in problems) LayerGuard.Check(problem);
        var layers = learn(problems);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds / problems.Length;
        return [.. projections.Select((projection, i) =>
        {
            projection.Weight = layers[i];
            return Report(problems[i], LayerGuard.Measure(problems[i], layers[i]), statistics[projection.Site], notes[i], seconds) with { Scaling = scaled?.Words.GetValueOrDefault(projection.Site) };
        })];
    }

    private (Linear, LayerReport, double LossSeconds) Compress(Projection projection, SiteStatistics seen, ScaledBlock? scaled)
    {
        long start = Stopwatch.GetTimestamp();
        var notes = new List<string>();
        var problem = Problem(projection, seen, scaled, notes);
        var made = _guard.Compress(methods.Compressing(projection.Name), problem);
        var report = Report(problem, made, seen, notes, Stopwatch.GetElapsedTime(start).TotalSeconds) with { Scaling = scaled?.Words.GetValueOrDefault(projection.Site) };
        return (made.Layer, report, made.LossSeconds);
    }

    /// <param name="weight">What is to be compressed; null for the projection's weight.</param>
    internal LayerProblem Problem(Projection projection, SiteStatistics seen, ScaledBlock? scaled, List<string> notes, Matrix<float>? weight = null)
    {
        if (seen.Routed < seen.Tokens)
            notes.Add($"only {seen.Routed:N0} of {seen.Tokens:N0} calibration tokens were routed to this expert; too few, so it is fitted to all of them.");
        if (methods.KeptFactors(projection.Name) is { } why) notes.Add($"factors of the inputs are stored with the layer: {why}");
        var weights = recipe.Calibration.WeightsFor(methods[projection.Name]);
        return new(projection.Name, weight ?? projection.Weight.ToDense(), seen.For(weights, methods[projection.Name].Rounding), SeedOf(projection.Name, recipe.Seed), notes.Add)
        {
            RowFactors = scaled?.RowFactors.GetValueOrDefault(projection.Name),
        };
    }

    private LayerReport Report(LayerProblem problem, GuardedLayer made, SiteStatistics seen, List<string> notes, double seconds)
    {
        var layer = made.Layer;
        return new(problem.Name, layer.Rows, layer.Columns, layer.Format, layer.Bits, layer.BitsPerWeight, made.Error, seen.Tokens, seen.Sinks.Ratio, seconds, notes)
        {
            SinkTokens = seen.Sinks.Tokens,
            SinkShare = seen.Sinks.Share,
            TokenWeights = recipe.Calibration.WeightsFor(methods[problem.Name]),
            RoutedTokens = seen.Routed,
            PlainRounding = made.PlainRounding,
            Replaced = made.Replaced,
        };
    }

    private static long Cost(Projection p) => (long)p.Weight.Columns * p.Weight.Columns * (p.Weight.Rows + p.Weight.Columns);

    /// <summary>
    /// FNV-1a of the name on top of the run's seed: a layer's randomness does not depend on what else is compressed.
    /// </summary>
    internal static int SeedOf(string name, int seed)
    {
        uint hash = 2166136261 ^ (uint)seed;
        foreach (char c in name) hash = (hash ^ c) * 16777619;
        return (int)hash;
    }
}
