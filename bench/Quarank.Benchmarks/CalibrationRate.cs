using System.Diagnostics;
using Quarank.Checkpoints;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Pipeline;
using Quarank.Tokenizers;

namespace Quarank.Benchmarks;

/// <summary>
/// What calibration does with a block (its forward pass over the sequences, and the Gram matrices of its four sites) beside sgemm on the
/// products that it holds, by turns in one run: medians of a few rounds, by the clock and by processor time.
/// </summary>
internal static class CalibrationRate
{
    private const int Length = 2048;

    public static void Run(string path, string text, int sequences, int rounds)
    {
        using var checkpoint = Checkpoint.Open(path);
        var spec = ModelSpec.Of(checkpoint) with { BlockCount = 1 };
        var calibration = CalibrationSet.Read(new([text]) { Samples = sequences, Length = Length }, Tokenizer.Load(checkpoint.Directory));
        var embedding = Model.LoadEmbedding(checkpoint, spec);
        Matrix<float>[] start = [.. calibration.Sequences.Select(s => embedding.Apply(s))];
        var pass = new SequencePass(spec, calibration, new(1, null), default);
        var block = Model.LoadBlockInFloats(checkpoint, spec, 0, pass.Buffers);
        var products = new ForwardProducts(spec, Length);
        int[] widths = [spec.HiddenSize, spec.QuerySize, spec.HiddenSize, spec.IntermediateSize];
        var inputs = widths.Distinct().ToDictionary(w => w, w => Random(Length, w));
        double gramFlops = sequences * widths.Sum(w => (double)Length * w * w);
        Times all = new(), forward = new(), gram = new(), linear = new(), attention = new(), squares = new();

        for (int round = -1; round < rounds; round++)
        {
            all.Time(() => pass.Run(block, Copy(start), true, new StatisticsCollector(0, spec.Sites)));
            linear.Time(() => Repeat(sequences, products.Linear));
            forward.Time(() => pass.Run(block, Copy(start), true, null));
            attention.Time(() => Repeat(sequences, products.Attention));
            gram.Time(() => Grams(inputs, widths, sequences));
            // A Gram matrix is symmetric: of sgemm's product half counts.
            squares.Time(() => Repeat(sequences, () => Array.ForEach(widths, w => LinearAlgebra.TransposeMultiply(inputs[w], inputs[w]))));
        }

        Console.WriteLine($"one block of {spec.Architecture}, {sequences} sequences of {Length} tokens, {Threads.Count} threads, medians of {rounds}; seconds by clock and by processor");
        Print("forward and Gram matrices", all, "");
        Print("  forward alone", forward, "");
        Print("  Gram matrices alone", gram, $"{gramFlops / gram.Processor / 1e9,6:F0} GFLOP/s a thread");
        Print("sgemm, linear products", linear, $"{sequences * products.LinearFlops / linear.Processor / 1e9,6:F0} GFLOP/s a thread");
        Print("sgemm, attention's products", attention, $"{sequences * products.AttentionFlops / attention.Processor / 1e9,6:F0} GFLOP/s a thread");
        Print("sgemm, x'x in full", squares, $"{2 * gramFlops / squares.Processor / 1e9,6:F0} GFLOP/s a thread");
        Console.WriteLine($"sgemm / calibration: {(linear.Seconds + attention.Seconds + squares.Seconds / 2) / all.Seconds:P0} by the clock, "
            + $"{(linear.Processor + attention.Processor + squares.Processor / 2) / all.Processor:P0} by processor time; "
            + $"Gram matrices alone {squares.Seconds / 2 / gram.Seconds:P0}, {squares.Processor / 2 / gram.Processor:P0}");
    }

    private static void Grams(Dictionary<int, Matrix<float>> inputs, int[] widths, int sequences)
    {
        foreach (int width in widths)
        {
            var sum = new Matrix<double>(width, width);
            for (int i = 0; i < sequences; i++) LinearAlgebra.AddGram(inputs[width], sum);
        }
    }

    private static void Print(string what, Times time, string note) =>
        Console.WriteLine($"{what,-30} {time.Seconds,7:F3} {time.Processor,7:F3}  {note}");

    private static HiddenStates Copy(Matrix<float>[] hidden) => new([.. hidden.Select(h => h.Clone())]);

    private static void Repeat(int count, Action action)
    {
        for (int i = 0; i < count; i++) action();
    }

    private static Matrix<float> Random(int rows, int columns)
    {
        var random = new Random(2);
        var m = new Matrix<float>(rows, columns);
        foreach (ref float v in m.Data) v = random.NextSingle() - 0.5f;
        return m;
    }

    /// <summary>Times of several rounds; the first, which warms up, does not count.</summary>
    private sealed class Times
    {
        private readonly List<(double Seconds, double Processor)> _rounds = [];

        public double Seconds => Median(r => r.Seconds);
        public double Processor => Median(r => r.Processor);

        public void Time(Action action)
        {
            var processor = Environment.CpuUsage.TotalTime;
            long began = Stopwatch.GetTimestamp();
            action();
            _rounds.Add((Stopwatch.GetElapsedTime(began).TotalSeconds, (Environment.CpuUsage.TotalTime - processor).TotalSeconds));
        }

        private double Median(Func<(double Seconds, double Processor), double> of) => _rounds.Skip(1).Select(of).Order().ElementAt((_rounds.Count - 1) / 2);
    }
}
