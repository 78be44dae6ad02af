using System.Diagnostics;
using Quarank.Numerics;

namespace Quarank.Benchmarks;

/// <summary>
/// One-token products of matrices that do not fit the caches, beside the read bandwidth measured in the same rounds. What counts is the share
/// of that bandwidth: both move with whatever else the machine is doing. "In cache" repeats one small matrix (256 rows) on one thread: what the
/// instructions alone take.
/// </summary>
internal static class DecodeBenchmark
{
    private const int Rounds = 21;
    private const long Streamed = 160L << 20;
    private static readonly ReadBandwidth Limit = new(Streamed);

    /// <param name="only">What a form's name must hold; several names joined by | are measured by turns, ratios to the first beside them.</param>
    public static void Run(int rows, int columns, string only)
    {
        Console.WriteLine($"{rows}x{columns}, {Threads.Count} threads, {Streamed >> 20} MiB streamed a round, medians of {Rounds} rounds");
        Console.WriteLine($"{"form",-26}{"bits",8}{"us",9}{"Gweights/s",12}{"GB/s",8}{"read GB/s",11}{"of read",9}{"best",9}{"in cache",10}{"ratio",8}");
        if (only.Contains('|', StringComparison.Ordinal))
            Measure([.. only.Split('|').Select(name => DecodeForm.All.First(form => form.Name == name.Trim()))], rows, columns);
        else
            foreach (var form in DecodeForm.All.Where(form => form.Name.Contains(only, StringComparison.Ordinal))) Measure([form], rows, columns);
    }

    private static void Measure(DecodeForm[] forms, int rows, int columns)
    {
        float[] x = DecodeForm.Input(columns), y = new float[rows];
        double[] cached = InCache(forms, columns), reads = new double[Rounds];
        DecodeForm.Layer[][] layers = [.. forms.Select(form => Copies(form.Make(rows, columns)))];
        double[][] times = [.. forms.Select(_ => new double[Rounds])];
        for (int i = -3; i < Rounds; i++)
        {
            double read = Limit.Measure() / 1e9;
            for (int f = 0; f < forms.Length; f++)
            {
                double time = Seconds(() => { foreach (var copy in layers[f]) copy.Multiply(x, y); }) / layers[f].Length;
                if (i >= 0) times[f][i] = time;
            }
            if (i >= 0) reads[i] = read;
        }
        double[] ratios = [.. times.Select(own => Median([.. own.Select((t, i) => times[0][i] / t)]))];
        for (int f = 0; f < forms.Length; f++)
        {
            double seconds = Median(times[f]), weights = (double)rows * columns, rate = layers[f][0].Bytes / seconds / 1e9, read = Median(reads);
            Console.WriteLine(FormattableString.Invariant(
                $"{forms[f].Name,-26}{8 * layers[f][0].Bytes / weights,8:F3}{seconds * 1e6,9:F0}{weights / seconds / 1e9,12:F1}{rate,8:F1}{read,11:F1}{rate / read,9:P0}{layers[f][0].Bytes / times[f].Min() / 1e9 / reads.Max(),9:P0}{cached[f],10:F1}{ratios[f],8:F2}"));
        }
    }

    private static DecodeForm.Layer[] Copies(DecodeForm.Layer first)
    {
        var copies = new List<DecodeForm.Layer> { first };
        while (copies.Count * first.Bytes < Streamed) copies.Add(first.Copy());
        return [.. copies];
    }

    private static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);

    // 256 rows: making the input ready, which every product does once, is not to count for much. The best of many short runs has met no other program.
    private static double[] InCache(DecodeForm[] forms, int columns)
    {
        int rows = 256, threads = Threads.Count;
        Threads.Count = 1;
        float[] x = DecodeForm.Input(columns), y = new float[rows];
        DecodeForm.Layer[] layers = [.. forms.Select(form => form.Make(rows, columns))];
        double[] best = [.. forms.Select(_ => double.MaxValue)];
        for (int i = -20; i < 400; i++)
        {
            for (int f = 0; f < forms.Length; f++)
            {
                layers[f].Multiply(x, y);
                double time = Seconds(() => { for (int k = 0; k < 3; k++) layers[f].Multiply(x, y); }) / 3;
                if (i >= 0) best[f] = Math.Min(best[f], time);
            }
        }
        Threads.Count = threads;
        return [.. best.Select(seconds => (double)rows * columns / seconds / 1e9)];
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
