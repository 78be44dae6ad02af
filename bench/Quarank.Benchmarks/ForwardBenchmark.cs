using System.Diagnostics;
using Quarank.Checkpoints;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Benchmarks;

/// <summary>
/// A batch forward through all blocks beside the matrix products that it holds, by turns in one run, for the speed of a
/// machine changes from minute to minute. Medians of a few rounds, by the clock and by processor time, which other programs
/// on the machine disturb less.
/// </summary>
internal static class ForwardBenchmark
{
    public static void Run(string path, int tokens, int rounds)
    {
        using var checkpoint = Checkpoint.Open(path);
        var model = Model.Load(checkpoint);
        var spec = model.Spec;
        tokens = Math.Min(tokens, spec.ContextLength);
        var start = model.Embedding.Apply([.. Enumerable.Range(0, tokens).Select(i => (int)(i * 7919L % spec.VocabularySize))]);
        var products = new ForwardProducts(spec, tokens);
        Measured forward = new(), sgemm = new(), attentionProducts = new(), stored = new(), values = new(), exact = new();

        for (int round = -1; round < rounds; round++)
        {
            var timer = new AttentionTimer();
            forward.Time(() => Forward(model, start.Clone(), timer));
            exact.Add(timer.Seconds, 0);
            sgemm.Time(products.Linear);
            attentionProducts.Time(products.Attention);
            stored.Time(() => model.Blocks.SelectMany(b => b.Projections).ToList().ForEach(products.Apply));
            values.Time(() => model.Blocks.SelectMany(b => b.Projections.Take(3)).ToList().ForEach(products.Apply));
        }

        Console.WriteLine($"{spec.Architecture}, {spec.BlockCount} blocks, {tokens} tokens, {Threads.Count} threads, medians of {rounds}; seconds by clock and by processor");
        Print("forward through all blocks", forward, $"{tokens / forward.Seconds,6:F0} tokens/s");
        Print("  linear layers as stored", stored, $"{stored.Seconds / forward.Seconds,6:P0} of it");
        double attention = exact.Seconds - values.Seconds;
        Console.WriteLine($"{"  attention",-30} {attention,7:F3}          {attention / forward.Seconds,6:P0} of it");
        Print("sgemm, linear products", sgemm, $"{products.LinearFlops / sgemm.Seconds / 1e9,6:F0} GFLOP/s");
        Print("sgemm, attention's products", attentionProducts, $"{products.AttentionFlops / attentionProducts.Seconds / 1e9,6:F0} GFLOP/s");
        Console.WriteLine($"sgemm / forward: {sgemm.Seconds / forward.Seconds:P0} for the linear products, "
            + $"{(sgemm.Seconds + attentionProducts.Seconds) / forward.Seconds:P0} for all ({sgemm.Processor / forward.Processor:P0}, "
            + $"{(sgemm.Processor + attentionProducts.Processor) / forward.Processor:P0} by processor time)");
    }

    private static void Print(string what, Measured time, string note) =>
        Console.WriteLine($"{what,-30} {time.Seconds,7:F3} {time.Processor,7:F3}  {note}");

    private static void Forward(Model model, Matrix<float> hidden, AttentionTimer timer)
    {
        foreach (var block in model.Blocks) block.Forward(hidden, timer.Observe);
    }

    /// <summary>Adds up the time from the input of queries, keys and values to that of the attention's output.</summary>
    private sealed class AttentionTimer
    {
        private long _began;

        public double Seconds { get; private set; }

        public void Observe(InputSite site, Matrix<float> inputs)
        {
            if (site == InputSite.Attention) _began = Stopwatch.GetTimestamp();
            else if (site == InputSite.AttentionOutput) Seconds += Stopwatch.GetElapsedTime(_began).TotalSeconds;
        }
    }

    /// <summary>Times of several rounds; the first, which warms up, does not count.</summary>
    private sealed class Measured
    {
        private readonly List<(double Seconds, double Processor)> _rounds = [];

        public double Seconds => Median(r => r.Seconds);
        public double Processor => Median(r => r.Processor);

        public void Time(Action action)
        {
            var processor = Environment.CpuUsage.TotalTime;
            long began = Stopwatch.GetTimestamp();
            action();
            Add(Stopwatch.GetElapsedTime(began).TotalSeconds, (Environment.CpuUsage.TotalTime - processor).TotalSeconds);
        }

        public void Add(double seconds, double processor) => _rounds.Add((seconds, processor));

        private double Median(Func<(double Seconds, double Processor), double> of) => _rounds.Skip(1).Select(of).Order().ElementAt((_rounds.Count - 1) / 2);
    }
}
