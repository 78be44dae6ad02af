using System.Diagnostics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Quarank.Numerics;

namespace Quarank.Studies.Speed;

/// <summary>How fast this machine reads memory right now: the limit of generation, for every token reads all weights.</summary>
/// <param name="bytes">Far more than the caches hold.</param>
public sealed class ReadBandwidth(int bytes = 256 << 20)
{
    private const int Piece = 1 << 20;
    private readonly long[] _memory = Filled(bytes / sizeof(long));

    /// <summary>Bytes per second, summed on the pool in pieces of 1 MiB for at least so many seconds.</summary>
    public double Measure(double seconds)
    {
        Read();   // wakes the pool
        long start = Stopwatch.GetTimestamp(), passes = 0;
        do
        {
            Read();
            passes++;
        }
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds);
        return passes * (double)sizeof(long) * _memory.Length / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>As <see cref="Measure"/>, by one thread.</summary>
    public double MeasureOnOneThread(double seconds)
    {
        int threads = Threads.Count;
        Threads.Count = 1;
        try
        {
            return Measure(seconds);
        }
        finally
        {
            Threads.Count = threads;
        }
    }

    private void Read()
    {
        const int words = Piece / sizeof(long);
        Threads.For(_memory.Length / words, _memory, static (i, memory) => Sink.Add(TensorPrimitives.Sum<long>(memory.AsSpan(i * words, words))));
    }

    private static long[] Filled(int count)
    {
        var memory = new long[count];   // pages that were never written are all one page of zeros
        Array.Fill(memory, 3);
        return memory;
    }

    /// <summary>Keeps the compiler from leaving sums out that nobody uses.</summary>
    private static class Sink
    {
        private static long _sum;

        public static void Add(long value) => Interlocked.Add(ref _sum, value);
    }
}
