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
    /// <summary>Looks at the condition without a pause between: what answers within a tenth of a microsecond is not kept waiting.</summary>
    private const int Glances = 20;

    private const int Spins = 2000;
    private static readonly long Patience = Stopwatch.Frequency / 1000;
    private readonly AutoResetEvent _bell = new(false);
    private int _asleep;

    /// <param name="spin">False where more threads work than there are processors: then a spin keeps from its work the one that is waited for.</param>
    public void Wait(Func<int, bool> condition, int argument, bool spin = true)
    {
        while (!Watch(condition, argument, spin))
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

    private static bool Watch(Func<int, bool> condition, int argument, bool spin)
    {
        for (int i = 0; i < Glances; i++)
            if (condition(argument)) return true;
        for (int i = 0; spin && i < Spins; i++)
        {
            if (condition(argument)) return true;
            Thread.SpinWait(1);
        }
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetTimestamp() - start < Patience; Thread.Yield())
            if (condition(argument)) return true;
        return false;
    }
}
