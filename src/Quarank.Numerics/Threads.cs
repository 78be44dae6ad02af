namespace Quarank.Numerics;

/// <summary>The one pool: work is cut into pieces whose number does not depend on the thread count, so results never do either.</summary>
public static class Threads
{
    /// <summary>How many threads the pool may use (default: all processors).</summary>
    public static int Count { get; set; } = Environment.ProcessorCount;

    /// <summary>Runs body(0) … body(count − 1), in any order, on the pool; inside a running piece it runs them in place.</summary>
    public static void For(int count, Action<int> body) =>
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = Count }, body);
}
