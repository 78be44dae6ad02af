using Quarank.Numerics;
using Xunit;

namespace Quarank.Tests.Numerics;

/// <summary>These change the pool's size, so they run alone.</summary>
[CollectionDefinition(nameof(ThreadsTests), DisableParallelization = true)]
public sealed class ThreadsAlone;

[Collection(nameof(ThreadsTests))]
public sealed class ThreadsTests : IDisposable
{
    private readonly int _before = Threads.Count;

    public void Dispose() => Threads.Count = _before;

    [Theory, InlineData(1), InlineData(2), InlineData(7)]
    public void Every_piece_runs_exactly_once(int threads)
    {
        Threads.Count = threads;
        foreach (int count in new[] { 0, 1, 2, 3, 64, 10_000 })
            for (int repeat = 0; repeat < 20; repeat++)
            {
                var runs = new int[count];
                Threads.For(count, i => Interlocked.Increment(ref runs[i]));
                Assert.All(runs, r => Assert.Equal(1, r));
                Threads.ForRanges(count, runs, static (i, runs) => Interlocked.Increment(ref runs[i]));
                Assert.All(runs, r => Assert.Equal(2, r));
            }
    }

    [Fact]
    public void Of_ranges_each_thread_begins_with_its_own_and_ends_with_what_others_left()
    {
        Threads.Count = 2;
        using var together = new Barrier(2);
        var ranBy = new int[10];
        Threads.ForRanges(10, ranBy, (i, ranBy) =>
        {
            if (i is 0 or 5) Assert.True(together.SignalAndWait(TimeSpan.FromSeconds(30))); // both have begun, each with its first
            ranBy[i] = Environment.CurrentManagedThreadId;
            // Whoever has the range from 5 is kept there until all else is done, by the other.
            if (i == 5) Assert.True(SpinWait.SpinUntil(() => ranBy.Count(id => id != 0) == 10, TimeSpan.FromSeconds(30)));
        });
        Assert.Equal(Environment.CurrentManagedThreadId, ranBy[0]);
        Assert.NotEqual(ranBy[0], ranBy[5]);
        Assert.All(Enumerable.Range(0, 10).Where(i => i != 5), i => Assert.Equal(ranBy[0], ranBy[i]));
    }

    [Theory, InlineData(1), InlineData(2), InlineData(5)]
    public void Of_ranges_all_pieces_run_and_the_lowest_that_fails_speaks(int threads)
    {
        Threads.Count = threads;
        var runs = new int[300];
        var e = Assert.Throws<InvalidOperationException>(() => Threads.ForRanges(300, runs, static (i, runs) =>
        {
            Interlocked.Increment(ref runs[i]);
            if (i % 100 == 37) throw new InvalidOperationException($"piece {i}");
        }));
        Assert.Equal("piece 37", e.Message);
        Assert.All(runs, r => Assert.Equal(1, r));
    }

    [Fact]
    public void Pieces_really_run_on_several_threads()
    {
        Threads.Count = 3;
        using var together = new Barrier(3); // three pieces that cannot end before all three have begun
        Threads.For(3, _ => Assert.True(together.SignalAndWait(TimeSpan.FromSeconds(30))));
    }

    [Fact]
    public void One_thread_runs_in_order_on_the_caller()
    {
        Threads.Count = 1;
        var seen = new List<int>();
        int caller = Environment.CurrentManagedThreadId;
        Threads.For(50, i =>
        {
            Assert.Equal(caller, Environment.CurrentManagedThreadId);
            seen.Add(i);
        });
        Assert.Equal(Enumerable.Range(0, 50), seen);
    }

    [Fact]
    public void A_For_inside_a_piece_runs_in_place()
    {
        Threads.Count = 4;
        var runs = new int[40 * 40];
        Threads.For(40, i =>
        {
            int outer = Environment.CurrentManagedThreadId;
            Threads.For(40, j =>
            {
                Assert.Equal(outer, Environment.CurrentManagedThreadId);
                Interlocked.Increment(ref runs[i * 40 + j]);
            });
        });
        Assert.All(runs, r => Assert.Equal(1, r));
    }

    [Theory, InlineData(1), InlineData(2), InlineData(5)]
    public void The_lowest_failing_piece_speaks_at_any_thread_count(int threads)
    {
        Threads.Count = threads;
        for (int repeat = 0; repeat < 50; repeat++)
        {
            var e = Assert.Throws<InvalidOperationException>(() => Threads.For(1000, i =>
            {
                if (i % 100 == 37) throw new InvalidOperationException($"piece {i}");
            }));
            Assert.Equal("piece 37", e.Message);
        }
        int sum = 0;
        Threads.For(100, i => Interlocked.Add(ref sum, i)); // the pool lives on
        Assert.Equal(4950, sum);
    }

    [Fact]
    public void A_failure_leaves_out_the_pieces_not_yet_begun()
    {
        Threads.Count = 2;
        int ran = 0;
        Assert.Throws<FormatException>(() => Threads.For(1_000_000, i =>
        {
            Interlocked.Increment(ref ran);
            if (i == 0) throw new FormatException();
            Thread.SpinWait(100);
        }));
        Assert.InRange(ran, 1, 500_000);
    }

    [Fact]
    public void Many_callers_at_once_all_get_their_work_done()
    {
        Threads.Count = 3;
        var wrong = 0;
        var callers = Enumerable.Range(0, 8).Select(c => new Thread(() =>
        {
            for (int repeat = 0; repeat < 300; repeat++)
            {
                var runs = new int[c + 2];
                Threads.For(runs.Length, runs, static (i, runs) => Interlocked.Increment(ref runs[i]));
                if (runs.Any(r => r != 1)) Interlocked.Increment(ref wrong);
            }
        })).ToList();
        callers.ForEach(t => t.Start());
        Assert.All(callers, t => Assert.True(t.Join(TimeSpan.FromSeconds(60))));
        Assert.Equal(0, wrong);
    }

    [Fact]
    public void The_count_may_change_between_jobs_and_workers_wake_from_sleep()
    {
        for (int repeat = 0; repeat < 60; repeat++)
        {
            Threads.Count = 1 + repeat % 6;
            if (repeat % 10 == 0) Thread.Sleep(20); // long enough for every worker to sleep
            int sum = 0;
            Threads.For(200, i => Interlocked.Add(ref sum, i));
            Assert.Equal(19_900, sum);
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => Threads.Count = 0);
    }

    [Fact]
    public void A_static_piece_with_state_allocates_nothing()
    {
        Threads.Count = 2;
        var sums = new double[64];
        void Run()
        {
            Threads.For(64, (sums, 1.0), static (i, s) => s.sums[i] += s.Item2);
            Threads.ForRanges(64, (sums, 1.0), static (i, s) => s.sums[i] += s.Item2);
        }
        Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int repeat = 0; repeat < 100; repeat++) Run();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.All(sums, s => Assert.Equal(202, s));
    }
}
