using System.Runtime.ExceptionServices;

namespace Quarank.Numerics;

/// <summary>
/// One job at a time, the caller taking part. Each worker has a place of its own through which it is invited; the caller takes
/// the invitation back from those that have not come when the work is done (they sleep, or their processor is busy elsewhere),
/// and waits only for those at work.
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

    private sealed class Worker
    {
        public const long Waiting = 0, Invited = 1, Working = 2;
        public readonly Sleeper Sleeper = new();

        /// <summary>Alone on its cache line: the invitation and its answer are the two messages of a fork and join.</summary>
        public PaddedNumber Place;
    }

    private static readonly Sleeper Caller = new();
    private static readonly WorkPieces Pieces = new();
    private static Worker[] _workers = [];
    private static Job _job = Job<int>.Shared;
    private static int _busy, _failedIndex;
    private static bool _spin;
    private static Exception? _failure;
    [ThreadStatic] private static bool t_working;

    /// <summary>False, and nothing done, inside a running piece or while another thread has the pool.</summary>
    /// <param name="ranges">Each thread begins with a range of its own, see <see cref="Threads.ForRanges"/>.</param>
    public static bool TryRun<TState>(int count, int helpers, bool ranges, TState state, Action<int, TState> body)
    {
        if (t_working || Interlocked.CompareExchange(ref _busy, 1, 0) != 0) return false;
        var job = Job<TState>.Shared;
        ExceptionDispatchInfo? failure;
        try
        {
            if (_workers.Length < helpers) Hire(helpers);
            (job.State, job.Body, _job) = (state, body, job);
            if (_failure is not null || _failedIndex != int.MaxValue) (_failure, _failedIndex) = (null, int.MaxValue);
            _spin = helpers < Environment.ProcessorCount;
            Pieces.Deal(count, ranges ? helpers + 1 : 0);
            for (int w = 0; w < helpers; w++)
            {
                Interlocked.Exchange(ref _workers[w].Place.Value, Worker.Invited);
                _workers[w].Sleeper.Wake();
            }

            t_working = true;
            TakePieces(0);
            t_working = false;

            for (int w = 0; w < helpers; w++) Join(w);
            failure = _failure is null ? null : ExceptionDispatchInfo.Capture(_failure);
        }
        finally
        {
            (job.State, job.Body) = (default!, default!);
            Interlocked.Exchange(ref _busy, 0);
        }
        failure?.Throw();
        return true;
    }

    private static void Join(int w)
    {
        ref long place = ref _workers[w].Place.Value;
        if (Volatile.Read(ref place) == Worker.Waiting) return;
        if (Interlocked.CompareExchange(ref place, Worker.Waiting, Worker.Invited) != Worker.Working) return;
        Caller.Wait(static w => Volatile.Read(ref _workers[w].Place.Value) == Worker.Waiting, w, _spin);
    }

    private static void TakePieces(int member)
    {
        while (Pieces.TryTake(member, out int i))
        {
            try
            {
                _job.Run(i);
            }
            catch (Exception e)
            {
                Note(i, e);
            }
        }
    }

    // Tickets rise, so every piece below a failed one has begun and ends; of ranges all pieces run. So the lowest failure is
    // the same for any thread count.
    private static void Note(int i, Exception e)
    {
        lock (Caller)
        {
            if (i < _failedIndex) (_failedIndex, _failure) = (i, e);
        }
        Pieces.Drop();
    }

    private static void Hire(int helpers)
    {
        var workers = new Worker[helpers];
        _workers.CopyTo(workers, 0);
        for (int w = _workers.Length; w < helpers; w++)
        {
            workers[w] = new Worker();
            int index = w;
            new Thread(() => Work(index, workers[index])) { IsBackground = true, Name = $"Quarank worker {w}" }.Start();
        }
        _workers = workers;
    }

    private static void Work(int w, Worker worker)
    {
        t_working = true;
        Func<int, bool> invited = _ => Volatile.Read(ref worker.Place.Value) == Worker.Invited;
        while (true)
        {
            worker.Sleeper.Wait(invited, 0, _spin);
            if (Interlocked.CompareExchange(ref worker.Place.Value, Worker.Working, Worker.Invited) != Worker.Invited) continue;
            TakePieces(w + 1);
            Interlocked.Exchange(ref worker.Place.Value, Worker.Waiting);
            Caller.Wake();
        }
    }
}
