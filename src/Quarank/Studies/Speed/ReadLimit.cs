using Quarank.Numerics;

namespace Quarank.Studies.Speed;

/// <summary>How fast this machine reads memory over some time: the limit of generation, for every token reads all weights.</summary>
public sealed class ReadLimit
{
    private const long Bytes = 192L << 20;
    private readonly ReadBandwidth _memory = new(Bytes);

    /// <summary>Bytes per second over at least so many seconds.</summary>
    public double Measure(double seconds)
    {
        _memory.Measure();   // wakes the pool
        double bytes = 0, took = 0;
        do
        {
            bytes += Bytes;
            took += Bytes / _memory.Measure();
        }
        while (took < seconds);
        return bytes / took;
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
}
