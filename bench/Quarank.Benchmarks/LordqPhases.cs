using System.Diagnostics;
using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Benchmarks;

/// <summary>
/// Where LoRDQ's time goes on a real model with kept Gram matrices: each phase run alone over the layers of a block, by the clock and by
/// processor time (which other programs on the machine disturb less), added up over blocks and scaled to the whole model.
/// </summary>
internal static class LordqPhases
{
    /// <param name="every">Take each so-manieth block.</param>
    public static void Run(string model, string statistics, int every)
    {
        using var checkpoint = Checkpoint.Open(model);
        var spec = ModelSpec.Of(checkpoint);
        LayerShape[] shapes = [.. Enumerable.Range(0, spec.BlockCount).SelectMany(spec.Projections).Select(p => new LayerShape(p.Name, p.Rows, p.Columns))];
        var method = (Lordq)new Lordq().Fit(shapes);
        int[] blocks = [.. Enumerable.Range(0, spec.BlockCount).Where(i => i % every == 0)];
        string[] names = ["read weights and Gram matrices", "all of LoRDQ", "  Cholesky factors", "  W Y", "  top factors of the first block", "measure the loss"];
        var clocks = names.Select(_ => new Phase()).ToArray();
        double lossSum = 0;

        for (int round = -1; round < blocks.Length; round++)
        {
            if (round == 0) clocks = [.. names.Select(_ => new Phase())]; // the first round warms up
            LayerProblem[] problems = [];
            clocks[0].Time(() => problems = Problems(checkpoint, spec, blocks[Math.Max(0, round)], statistics));
            var layers = new Linear[problems.Length];
            var (factors, weighted, losses) = (new Matrix<double>[problems.Length], new Matrix<double>[problems.Length], new double[problems.Length]);
            clocks[1].Time(() => Threads.For(problems.Length, i => layers[i] = method.Compress(problems[i])));
            clocks[2].Time(() => Threads.For(problems.Length, i => factors[i] = Cholesky(problems[i].Inputs.Gram)));
            clocks[3].Time(() => Threads.For(problems.Length, i => weighted[i] = Weighted(problems[i].Weight, factors[i])));
            clocks[4].Time(() => Threads.For(problems.Length, i => TopRank.Factor(weighted[i], (Rank(method, problems[i]) + 1) / 2)));
            clocks[5].Time(() => Threads.For(problems.Length, i => losses[i] = ProxyLoss.Relative(problems[i], layers[i])));
            if (round >= 0) lossSum += losses.Average();
        }

        double scale = (double)spec.BlockCount / blocks.Length;
        Console.WriteLine(FormattableString.Invariant($"LoRDQ of {spec.Architecture}, {blocks.Length} of {spec.BlockCount} blocks scaled to all, {Threads.Count} threads, mean loss {lossSum / blocks.Length:0.000000}"));
        Console.WriteLine($"{"seconds by",-36}{"the clock",10}{"processor",10}");
        for (int i = 0; i < names.Length; i++)
            Console.WriteLine(FormattableString.Invariant($"{names[i],-36}{clocks[i].Clock * scale,10:0.00}{clocks[i].Processor * scale,10:0.00}"));
    }

    internal static int Rank(Lordq method, LayerProblem problem) => (int)(method.RankFraction!.Value * Math.Min(problem.Rows, problem.Columns));

    /// <summary>The layers of a block, the largest first.</summary>
    internal static LayerProblem[] Problems(Checkpoint checkpoint, ModelSpec spec, int block, string statistics)
    {
        var projections = Model.LoadBlock(checkpoint, spec, block).Projections;
        using var file = Checkpoint.Open(Path.Combine(statistics, $"block-{block:D3}.safetensors"));
        var inputs = spec.Sites.ToDictionary(site => site, site =>
        {
            var under = file.Tensors.Under(char.ToLowerInvariant($"{site}"[0]) + $"{site}"[1..]);
            return new InputStatistics(under["tokens"].ReadArray<long>()[0], Symmetric(under["gram"].ReadArray<double>()));
        });
        return [.. projections.Select(p => new LayerProblem(p.Name, p.Weight.ToDense(), inputs[p.Site])).OrderByDescending(p => (long)p.Columns * p.Columns * p.Rows)];
    }

    private static Matrix<double> Symmetric(double[] lower)
    {
        int n = (int)((Math.Sqrt(8.0 * lower.Length + 1) - 1) / 2);
        var m = new Matrix<double>(n, n);
        for (int i = 0; i < n; i++) lower.AsSpan(i * (i + 1) / 2, i + 1).CopyTo(m.Row(i));
        LinearAlgebra.Symmetrize(m);
        return m;
    }

    internal static Matrix<double> Cholesky(Matrix<double> gram)
    {
        var damped = gram.Clone();
        double add = 0.01 * LinearAlgebra.Trace(gram) / gram.Rows;
        for (int i = 0; i < gram.Rows; i++) damped[i, i] += add;
        return LinearAlgebra.TryCholesky(damped, out var lower, out _) ? lower : throw new InvalidOperationException("not positive definite");
    }

    internal static Matrix<double> Weighted(Matrix<float> weight, Matrix<double> factor)
    {
        var w = new Matrix<double>(weight.Rows, weight.Columns);
        for (int i = 0; i < w.Data.Length; i++) w.Data[i] = weight.Data[i];
        LinearAlgebra.MultiplyLowerRight(factor, w);
        return w;
    }

    /// <summary>Seconds added up.</summary>
    private sealed class Phase
    {
        public double Clock { get; private set; }
        public double Processor { get; private set; }

        public void Time(Action action)
        {
            var processor = Environment.CpuUsage.TotalTime;
            long began = Stopwatch.GetTimestamp();
            action();
            Clock += Stopwatch.GetElapsedTime(began).TotalSeconds;
            Processor += (Environment.CpuUsage.TotalTime - processor).TotalSeconds;
        }
    }
}
