using System.Diagnostics;
using Quarank.Numerics;

namespace Quarank.Benchmarks;

/// <summary>What a fork and join costs while the pool is hot: the price of every product of a token.</summary>
internal static class PoolBenchmark
{
    private const int Rounds = 9, Repeats = 20_000;

    public static void Run()
    {
        Console.WriteLine($"{Threads.Count} threads, medians of {Rounds} rounds of {Repeats} calls, microseconds a call");
        Print("For, 2 empty pieces", () => Threads.For(2, 0, static (_, _) => { }));
        Print("For, 32 empty pieces", () => Threads.For(32, 0, static (_, _) => { }));
        Print("ForRanges, 2 empty pieces", () => Threads.ForRanges(2, 0, static (_, _) => { }));
        Print("ForRanges, 32 empty pieces", () => Threads.ForRanges(32, 0, static (_, _) => { }));
        Print("Parallel.For, 2 empty pieces", () => Parallel.For(0, 2, static _ => { }));
        double alone = Print("2 pieces of work, in turn", () => { Work(); Work(); });
        double shared = Print("2 pieces of work, ForRanges", () => Threads.ForRanges(2, 0, static (_, _) => Work()));
        Console.WriteLine(FormattableString.Invariant($"{"over half of it",-32}{shared - alone / 2,8:F3}"));
    }

    private static double Print(string name, Action action)
    {
        var times = new double[Rounds];
        for (int r = -1; r < Rounds; r++)
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < Repeats; i++) action();
            if (r >= 0) times[r] = Stopwatch.GetElapsedTime(start).TotalMicroseconds / Repeats;
        }
        Array.Sort(times);
        Console.WriteLine(FormattableString.Invariant($"{name,-32}{times[Rounds / 2],8:F3}"));
        return times[Rounds / 2];
    }

    private static double s_sink;

    private static void Work()
    {
        double x = 1;
        for (int i = 0; i < 2000; i++) x = x * 0.999 + 0.001;
        if (x == 0) s_sink = x;
    }
}
