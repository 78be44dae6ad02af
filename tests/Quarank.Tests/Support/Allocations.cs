namespace Quarank.Tests.Support;

/// <summary>What code allocates on the thread that calls it.</summary>
internal static class Allocations
{
    /// <summary>
    /// The bytes of the most sparing of five runs. What allocates always does so in all of them; a single run may also have to fill the shared
    /// pool of arrays again, which collections that other tests cause have emptied.
    /// </summary>
    /// <param name="run">Is told the number of the run, 0 … 4.</param>
    public static long Least(Action<int> run)
    {
        long least = long.MaxValue;
        for (int i = 0; i < 5; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            run(i);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        return least;
    }
}
