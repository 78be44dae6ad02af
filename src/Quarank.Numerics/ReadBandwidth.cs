using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics;

/// <summary>
/// How fast the pool's threads read memory that lies in no cache: the limit of one-token products. Measured beside them, in the same
/// seconds, since it moves with whatever else the machine does.
/// </summary>
public sealed unsafe class ReadBandwidth
{
    private const int Piece = 1 << 20;
    private readonly byte[] _memory;

    /// <param name="bytes">The memory to read, several times the caches; rounded up to whole MiB.</param>
    public ReadBandwidth(long bytes = 192L << 20)
    {
        _memory = new byte[(bytes + Piece - 1) / Piece * Piece];
        // Pages that nobody has written are one page of zeros.
        Array.Fill(_memory, (byte)1);
    }

    /// <summary>Reads all of it once; bytes per second.</summary>
    public double Measure()
    {
        long start = Stopwatch.GetTimestamp();
        Threads.For(_memory.Length / Piece, _memory, static (i, memory) => Read(memory, i));
        return _memory.Length / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Read(byte[] memory, int piece)
    {
        Vector256<long> a = default, b = default, c = default, d = default;
        fixed (byte* start = &memory[(nint)piece * Piece])
        {
            for (byte* p = start; p < start + Piece; p += 128)
            {
                a += Vector256.Load((long*)p);
                b += Vector256.Load((long*)(p + 32));
                c += Vector256.Load((long*)(p + 64));
                d += Vector256.Load((long*)(p + 96));
            }
        }
        if (Vector256.Sum(a + b + (c + d)) != unchecked(Piece / 8 * 0x0101010101010101)) throw new InvalidOperationException("The memory is not what was written.");
    }
}
