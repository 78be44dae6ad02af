using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Quarank.Numerics;

/// <summary>
/// How one thread waits for a condition that another makes true before it calls <see cref="Wake"/>: a short spin (a piece of
/// decode takes microseconds), yielding for a millisecond (a long spin would starve foreign processes), then sleep.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Sleepers belong to the pool and live as long as the process.")]
internal sealed class Sleeper
{
    private const int Spins = 2000;
    private static readonly long Patience = Stopwatch.Frequency / 1000;
    private readonly AutoResetEvent _bell = new(false);
    private int _asleep;

    public void Wait(Func<int, bool> condition, int argument)
    {
        for (int i = 0; i < Spins; i++)
        {
            if (condition(argument)) return;
            Thread.SpinWait(1);
        }
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetTimestamp() - start < Patience; Thread.Yield())
            if (condition(argument)) return;

        while (!condition(argument))
        {
            Interlocked.Exchange(ref _asleep, 1);
            // Whoever takes the flag back decides: we, if the condition came true meanwhile, or the waker, whose bell then follows.
            if (condition(argument) && Interlocked.CompareExchange(ref _asleep, 0, 1) == 1) return;
            _bell.WaitOne();
        }
    }

    /// <summary>Costs an atomic read while nobody sleeps.</summary>
    public void Wake()
    {
        if (Volatile.Read(ref _asleep) == 1 && Interlocked.CompareExchange(ref _asleep, 0, 1) == 1) _bell.Set();
    }
}
