using System.Diagnostics;
using Quarank.Numerics;

namespace Quarank.Benchmarks;

/// <summary>
/// One-token products of matrices that do not fit the caches, beside the read bandwidth measured in the same rounds. What counts is the share
/// of that bandwidth: both move with whatever else the machine is doing. "In cache" repeats one small matrix on one thread: what the
/// instructions alone take.
/// </summary>
internal static class DecodeBenchmark
{
    private const int Rounds = 21;
    private const long Streamed = 160L << 20;
    private static readonly ReadBandwidth Limit = new(Streamed);

    public static void Run(int rows, int columns, string only)
    {
        Console.WriteLine($"{rows}x{columns}, {Threads.Count} threads, {Streamed >> 20} MiB streamed a round, medians of {Rounds} rounds");
        Console.WriteLine($"{"form",-26}{"bits",8}{"us",9}{"Gweights/s",12}{"GB/s",8}{"read GB/s",11}{"of read",9}{"in cache",10}");
        foreach (var form in DecodeForm.All)
            if (form.Name.Contains(only, StringComparison.Ordinal)) Measure(form, rows, columns);
    }

    private static void Measure(DecodeForm form, int rows, int columns)
    {
        float[] x = DecodeForm.Input(columns), y = new float[rows];
        double cached = InCache(form, columns);
        var first = form.Make(rows, columns);
        var copies = new List<DecodeForm.Layer> { first };
        while (copies.Count * first.Bytes < Streamed) copies.Add(first.Copy());
        double[] times = new double[Rounds], reads = new double[Rounds];
        for (int i = -3; i < Rounds; i++)
        {
            double time = Seconds(() => { foreach (var copy in copies) copy.Multiply(x, y); }) / copies.Count;
            double read = Limit.Measure() / 1e9;
            if (i >= 0) (times[i], reads[i]) = (time, read);
        }
        Array.Sort(times);
        Array.Sort(reads);
        double seconds = times[Rounds / 2], weights = (double)rows * columns, rate = first.Bytes / seconds / 1e9;
        Console.WriteLine(FormattableString.Invariant(
            $"{form.Name,-26}{8 * first.Bytes / weights,8:F3}{seconds * 1e6,9:F0}{weights / seconds / 1e9,12:F1}{rate,8:F1}{reads[Rounds / 2],11:F1}{rate / reads[Rounds / 2],9:P0}{first.Bytes / times[0] / 1e9 / reads[^1],9:P0}{cached,10:F1}"));
    }

    private static double InCache(DecodeForm form, int columns)
    {
        int rows = 64, threads = Threads.Count;
        var layer = form.Make(rows, columns);
        float[] x = DecodeForm.Input(columns), y = new float[rows];
        Threads.Count = 1;
        for (int i = 0; i < 20; i++) layer.Multiply(x, y);
        double best = double.MaxValue;
        for (int i = 0; i < 300; i++) best = Math.Min(best, Seconds(() => { for (int k = 0; k < 10; k++) layer.Multiply(x, y); }) / 10);
        Threads.Count = threads;
        return (double)rows * columns / best / 1e9;
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
