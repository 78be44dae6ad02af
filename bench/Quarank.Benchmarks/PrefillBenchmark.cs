using System.Diagnostics;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;

namespace Quarank.Benchmarks;

/// <summary>Products of many tokens with packed matrices, beside sgemm alone on the same shapes, by turns in one run.</summary>
internal static class PrefillBenchmark
{
    private const int Rounds = 15;

    public static void Run(int tokens)
    {
        Console.WriteLine($"{tokens} tokens, {Threads.Count} threads, medians of {Rounds} rounds");
        Console.WriteLine($"{"shape",-12}{"form",-16}{"ms",8}{"sgemm ms",10}{"GFLOP/s",9}{"of sgemm",10}");
        foreach (var (rows, columns) in new[] { (2048, 2048), (5632, 2048), (2048, 5632), (576, 576), (1536, 576) })
        {
            Matrix<float> x = Some(tokens, columns), y = new(tokens, rows), w = Some(rows, columns);
            // The last number: bits of inputs rounded too, whose products are sums of integers; 0 for inputs as they are.
            foreach (var (bits, group, inputs) in new[] { (4, 128, 0), (2, 0, 0), (3, 128, 0), (8, 128, 0), (16, 0, 0), (4, 0, 8), (4, 128, 8), (4, 0, 4), (8, 0, 8) })
            {
                if (group > 0 && columns % group != 0) continue;
                Action product = Product(rows, columns, bits, group, inputs, x, y);
                double[] times = new double[Rounds], limits = new double[Rounds];
                for (int i = -2; i < Rounds; i++)
                {
                    var (time, limit) = (Seconds(product), Seconds(() => LinearAlgebra.MultiplyTransposed(x, w, y)));
                    if (i >= 0) (times[i], limits[i]) = (time, limit);
                }
                Array.Sort(times);
                Array.Sort(limits);
                double seconds = times[Rounds / 2], alone = limits[Rounds / 2];
                string name = bits == 16 ? "float16" : $"{bits} bits, {(group == 0 ? "row" : "g" + group)}{(inputs == 0 ? "" : $", A{inputs}")}";
                Console.WriteLine(FormattableString.Invariant(
                    $"{$"{rows}x{columns}",-12}{name,-16}{seconds * 1e3,8:F2}{alone * 1e3,10:F2}{2.0 * tokens * rows * columns / seconds / 1e9,9:F0}{alone / seconds,10:P0}"));
            }
        }
    }

    private static Action Product(int rows, int columns, int bits, int group, int inputs, Matrix<float> x, Matrix<float> y)
    {
        if (bits == 16)
        {
            var halves = new HalfMatrix(rows, columns, new ushort[rows * columns], bfloat: false);
            return () => halves.Multiply(x, y);
        }
        var codes = new byte[rows * BitPacking.ByteCount(columns, bits)];
        new Random(2).NextBytes(codes);
        var scales = new float[rows * (group == 0 ? 1 : columns / group)];
        Array.Fill(scales, 0.01f);
        if (inputs > 0)
        {
            var integers = new IntegerMatrix(rows, columns, bits, group, codes, scales, []);
            var rounder = InputRounder.Dynamic(new(inputs));
            return () => integers.Multiply(rounder, x, y);
        }
        var matrix = new PackedMatrix(rows, columns, bits, group == 0 ? columns : group, codes, scales, group != 0, PackedOffset.Middle, [], []);
        return () => matrix.Multiply(x, y);
    }

    private static Matrix<float> Some(int rows, int columns)
    {
        var random = new Random(1);
        var matrix = new Matrix<float>(rows, columns);
        foreach (ref float v in matrix.Data) v = random.NextSingle() - 0.5f;
        return matrix;
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
