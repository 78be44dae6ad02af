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
        var left = new List<double>();
        double exactSeconds = 0, iteratedSeconds = 0;
        for (int block = 0; block < spec.BlockCount; block += every)
        {
            var problems = LordqPhases.Problems(checkpoint, spec, block, statistics);
            var (one, other) = (Losses(exact, problems, ref exactSeconds), Losses(iterated, problems, ref iteratedSeconds));
            left.AddRange(ExcessBeforeRounding(exact, problems));
            losses.AddRange(problems.Select((p, i) => (p.Name, one[i], other[i])));
        }
        var worst = losses.MaxBy(l => Math.Abs(l.Iterated / l.Exact - 1));
        Console.WriteLine(FormattableString.Invariant($"""
            LoRDQ of {losses.Count} layers, K = {exact.Blocks}, {exact.BitsPerWeight} bits
            exact      mean loss {losses.Average(l => l.Exact):0.000000}  {exactSeconds,7:0.0} s of processor time
            iteration  mean loss {losses.Average(l => l.Iterated):0.000000}  {iteratedSeconds,7:0.0} s of processor time
            mean of the layers' relative differences {losses.Average(l => l.Iterated / l.Exact - 1):+0.000%;-0.000%}, largest {worst.Iterated / worst.Exact - 1:+0.000%;-0.000%} ({worst.Name}), {losses.Count(l => Math.Abs(l.Iterated / l.Exact - 1) > 0.005)} above 0.5 %
            what the first block's factors leave before anything is rounded, iterated over exact: mean {left.Average():+0.000%;-0.000%}, largest {left.Max():+0.000%;-0.000%}, {left.Count(d => d > 0.005)} above 0.5 %
            """));
    }

    // By how much the squared error of the iteration's factors exceeds that of the eigensolver's, both in double.
    private static double[] ExcessBeforeRounding(Lordq method, LayerProblem[] problems)
    {
        var excess = new double[problems.Length];
        Threads.For(problems.Length, i =>
        {
            var a = LordqPhases.Weighted(problems[i].Weight, LordqPhases.Cholesky(problems[i].Inputs.Gram));
            int rank = (LordqPhases.Rank(method, problems[i]) + 1) / 2;
            var (exact, iterated) = (TopRank.Factor(a, rank), TopRank.Factor(a, rank, exactOrder: 0));
            excess[i] = (exact.Captured - iterated.Captured) / (exact.Energy - exact.Captured);
        });
        return excess;
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
