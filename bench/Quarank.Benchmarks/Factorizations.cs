using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Benchmarks;

/// <summary>LoRDQ's loss with factors from the eigensolver beside that with factors from the block iteration, layer by layer.</summary>
internal static class Factorizations
{
    public static void Run(string model, string statistics, int every)
    {
        using var checkpoint = Checkpoint.Open(model);
        var spec = ModelSpec.Of(checkpoint);
        LayerShape[] shapes = [.. Enumerable.Range(0, spec.BlockCount).SelectMany(spec.Projections).Select(p => new LayerShape(p.Name, p.Rows, p.Columns))];
        var exact = (Lordq)new Lordq().Fit(shapes);
        var iterated = exact with { ExactOrder = 0 };
        var losses = new List<(string Name, double Exact, double Iterated)>();
        double exactSeconds = 0, iteratedSeconds = 0;
        for (int block = 0; block < spec.BlockCount; block += every)
        {
            var problems = LordqPhases.Problems(checkpoint, spec, block, statistics);
            var (one, other) = (Losses(exact, problems, ref exactSeconds), Losses(iterated, problems, ref iteratedSeconds));
            losses.AddRange(problems.Select((p, i) => (p.Name, one[i], other[i])));
        }
        var worst = losses.MaxBy(l => Math.Abs(l.Iterated / l.Exact - 1));
        Console.WriteLine(FormattableString.Invariant($"""
            LoRDQ of {losses.Count} layers, K = {exact.Blocks}, {exact.BitsPerWeight} bits
            exact      mean loss {losses.Average(l => l.Exact):0.000000}  {exactSeconds,7:0.0} s of processor time
            iteration  mean loss {losses.Average(l => l.Iterated):0.000000}  {iteratedSeconds,7:0.0} s of processor time
            mean of the layers' relative differences {losses.Average(l => l.Iterated / l.Exact - 1):+0.000%;-0.000%}, largest {worst.Iterated / worst.Exact - 1:+0.000%;-0.000%} ({worst.Name}), {losses.Count(l => Math.Abs(l.Iterated / l.Exact - 1) > 0.005)} above 0.5 %
            """));
    }

    private static double[] Losses(Lordq method, LayerProblem[] problems, ref double seconds)
    {
        var losses = new double[problems.Length];
        var before = Environment.CpuUsage.TotalTime;
        Threads.For(problems.Length, i => losses[i] = ProxyLoss.Relative(problems[i], method.Compress(problems[i])));
        seconds += (Environment.CpuUsage.TotalTime - before).TotalSeconds;
        return losses;
    }
}
