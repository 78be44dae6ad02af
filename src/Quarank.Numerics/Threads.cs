namespace Quarank.Numerics;

/// <summary>
/// The one pool: work is cut into pieces whose number does not depend on the thread count, so results never do either.
/// Workers are background threads that wait by a short spin, then yield, then sleep; an idle pool costs nothing.
/// </summary>
public static class Threads
{
    private static int _count = Environment.ProcessorCount;

    /// <summary>
    /// How many threads work on one For, the caller among them (default: all processors); 1 runs everything in place.
    /// </summary>
    public static int Count
    {
        get => Volatile.Read(ref _count);
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            Volatile.Write(ref _count, value);
        }
    }

    /// <summary>
    /// Runs body(0) … body(count − 1), in any order, on the pool; inside a running piece, or while another caller has the pool,
    /// it runs them in place. If pieces throw, those not yet begun are left out and the exception of the lowest index is thrown
    /// on, which is the one that a single thread would meet.
    /// </summary>
    public static void For(int count, Action<int> body) => For(count, body, static (i, body) => body(i));

    /// <summary>As <see cref="For(int, Action{int})"/> without a closure: a static lambda and its state allocate nothing.</summary>
    public static void For<TState>(int count, TState state, Action<int, TState> body)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (count < 2 || Count == 1 || !WorkerPool.TryRun(count, Math.Min(Count, count) - 1, ranges: false, state, body))
            for (int i = 0; i < count; i++) body(i, state);
    }

    /// <summary>
    /// As <see cref="For{TState}"/>, for many short pieces that stream memory: each thread begins with a range of neighbouring
    /// pieces, the same in every call of that count, and helps the others when its own is done. If pieces throw, all others run.
    /// </summary>
    public static void ForRanges<TState>(int count, TState state, Action<int, TState> body)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (count >= 2 && Count > 1 && WorkerPool.TryRun(count, Math.Min(Count, count) - 1, ranges: true, state, body)) return;
        Exception? first = null;
        for (int i = 0; i < count; i++)
        {
            try
            {
                body(i, state);
            }
            catch (Exception e)
            {
                first ??= e;
            }
        }
        if (first is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
    }
}
