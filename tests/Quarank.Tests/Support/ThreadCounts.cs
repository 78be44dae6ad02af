using Quarank.Numerics;
using Xunit;

namespace Quarank.Tests.Support;

/// <summary>What must not depend on the number of threads.</summary>
internal static class ThreadCounts
{
    /// <summary>Runs <paramref name="run"/>, which is told the count, with one, two and three threads, and holds the results to each other.</summary>
    public static void GiveTheSame<T>(Func<int, T> run)
    {
        int before = Threads.Count;
        try
        {
            var results = Enumerable.Range(1, 3).Select(count =>
            {
                Threads.Count = count;
                return run(count);
            }).ToList();
            Assert.Equal(results[0], results[1]);
            Assert.Equal(results[0], results[2]);
        }
        finally
        {
            Threads.Count = before;
        }
    }
}
