using System.Runtime.ExceptionServices;

namespace Quarank.Numerics;

/// <summary>
/// One job at a time, pieces by atomic ticket, the caller taking part. A worker may touch the job only between counting itself
/// in (<see cref="_inside"/>) with the pool open and counting itself out; the caller closes the pool and waits until nobody is
/// inside.
/// </summary>
internal static class WorkerPool
{
    private abstract class Job
    {
        public abstract void Run(int i);
    }

    /// <summary>One reusable object per type of state, so that starting a job allocates nothing.</summary>
    private sealed class Job<TState> : Job
    {
        public static readonly Job<TState> Shared = new();
        public TState State = default!;
        public Action<int, TState> Body = default!;
        public override void Run(int i) => Body(i, State);
    }

    private sealed class Worker(int index)
    {
        public readonly int Index = index;
        public readonly Sleeper Sleeper = new();
    }

    private static readonly Sleeper Caller = new();
    private static Worker[] _workers = [];
    private static Job _job = Job<int>.Shared;
    private static int _count, _seats, _busy, _open, _inside, _generation, _failedIndex;
    private static long _next;
    private static Exception? _failure;
    [ThreadStatic] private static bool t_working;

    /// <summary>False, and nothing done, inside a running piece or while another thread has the pool.</summary>
    public static bool TryRun<TState>(int count, int helpers, TState state, Action<int, TState> body)
    {
        if (t_working || Interlocked.CompareExchange(ref _busy, 1, 0) != 0) return false;
        var job = Job<TState>.Shared;
        ExceptionDispatchInfo? failure;
        try
        {
            if (_workers.Length < helpers) Hire(helpers);
            (job.State, job.Body) = (state, body);
            (_job, _count, _seats, _next, _failure, _failedIndex) = (job, count, helpers, 0, null, int.MaxValue);
            Interlocked.Exchange(ref _open, 1);
            Interlocked.Increment(ref _generation);
            foreach (var worker in _workers.AsSpan(0, helpers)) worker.Sleeper.Wake();

            t_working = true;
            TakePieces();
            t_working = false;

            Interlocked.Exchange(ref _open, 0);
            Caller.Wait(static _ => Volatile.Read(ref _inside) == 0, 0);
            failure = _failure is null ? null : ExceptionDispatchInfo.Capture(_failure);
        }
        finally
        {
            (job.State, job.Body, _failure) = (default!, default!, null);
            Interlocked.Exchange(ref _busy, 0);
        }
        failure?.Throw();
        return true;
    }

    private static void TakePieces()
    {
        for (long i; (i = Interlocked.Increment(ref _next) - 1) < _count;)
        {
            try
            {
                _job.Run((int)i);
            }
            catch (Exception e)
            {
                Note((int)i, e);
            }
        }
    }

    // Tickets rise, so every piece below a failed one has begun and ends: the lowest failure is the same for any thread count.
    private static void Note(int i, Exception e)
    {
        lock (Caller)
        {
            if (i < _failedIndex) (_failedIndex, _failure) = (i, e);
        }
        Interlocked.Exchange(ref _next, _count);
    }

    private static void Hire(int helpers)
    {
        var workers = new Worker[helpers];
        _workers.CopyTo(workers, 0);
        for (int i = _workers.Length; i < helpers; i++)
        {
            var worker = workers[i] = new Worker(i);
            new Thread(() => Work(worker)) { IsBackground = true, Name = $"Quarank worker {i}" }.Start();
        }
        _workers = workers;
    }

    private static void Work(Worker worker)
    {
        t_working = true;
        for (int seen = 0; ; seen = Volatile.Read(ref _generation))
        {
            Interlocked.Increment(ref _inside);
            if (Volatile.Read(ref _open) == 1 && worker.Index < _seats) TakePieces();
            if (Interlocked.Decrement(ref _inside) == 0) Caller.Wake();
            worker.Sleeper.Wait(static seen => Volatile.Read(ref _generation) != seen, seen);
        }
    }
}
