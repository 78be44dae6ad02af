using System.Diagnostics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;

namespace Quarank.Benchmarks;

/// <summary>
/// One-token products of packed matrices that do not fit the caches, beside the read bandwidth measured in the same round. What counts is
/// the share of that bandwidth: both move with whatever else the machine is doing.
/// </summary>
internal static class DecodeBenchmark
{
    private const int Rows = 4096, Columns = 4096, Rounds = 7;
    private const long Streamed = 192L << 20;

    public static void Run()
    {
        Console.WriteLine($"{Rows}x{Columns}, {Threads.Count} threads, {Streamed >> 20} MiB streamed a round, medians of {Rounds} rounds");
        Console.WriteLine($"{"form",-16}{"bits",7}{"us",10}{"Gweights/s",12}{"GB/s",8}{"of read",9}");
        foreach (var (bits, group) in new[] { (8, 0), (8, 128), (4, 0), (4, 128), (4, 64), (4, 32), (3, 0), (3, 128), (2, 0), (2, 128), (2, 64) })
            Measure(bits, group);
    }

    private static void Measure(int bits, int group)
    {
        long bytes = (long)Rows * BitPacking.ByteCount(Columns, bits);
        int groups = group == 0 ? 1 : Columns / group;
        long all = bytes + (group == 0 ? 4 : 2) * (long)Rows * groups;
        var copies = Enumerable.Range(0, (int)Math.Max(2, Streamed / all)).Select(_ => Some(bits, group, groups, bytes)).ToArray();
        var (x, y) = (new float[Columns], new float[Rows]);
        var random = new Random(1);
        foreach (ref float v in x.AsSpan()) v = random.NextSingle() - 0.5f;

        var memory = new byte[Streamed];
        Array.Fill(memory, (byte)3);
        var (times, reads) = (new double[Rounds], new double[Rounds]);
        for (int i = -1; i < Rounds; i++)
        {
            double time = Seconds(() => { foreach (var copy in copies) copy.Multiply(x, y); }) / copies.Length;
            double read = Streamed / Seconds(() => Read(memory)) / 1e9;
            if (i >= 0) (times[i], reads[i]) = (time, read);
        }
        Array.Sort(times);
        Array.Sort(reads);
        double seconds = times[Rounds / 2], rate = all / seconds / 1e9;
        Console.WriteLine(FormattableString.Invariant(
            $"{bits + " bits, " + (group == 0 ? "row" : "group " + group),-16}{8.0 * all / Rows / Columns,7:F3}{seconds * 1e6,10:F0}{(double)Rows * Columns / seconds / 1e9,12:F1}{rate,8:F1}{rate / reads[Rounds / 2],9:P0}"));
    }

    // Sums of 64-bit words, in pieces, on the pool.
    private static void Read(byte[] memory)
    {
        const int piece = 1 << 20;
        Threads.For((int)(Streamed / piece), i => TensorPrimitives.Sum(MemoryMarshal.Cast<byte, long>(memory.AsSpan(i * piece, piece))));
    }

    private static PackedMatrix Some(int bits, int group, int groups, long bytes)
    {
        var random = new Random(2);
        var codes = new byte[bytes];
        random.NextBytes(codes);
        var scales = new float[Rows * groups];
        Array.Fill(scales, 0.01f);
        return new PackedMatrix(Rows, Columns, bits, group == 0 ? Columns : group, codes, scales, group != 0, PackedOffset.Middle, [], []);
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
