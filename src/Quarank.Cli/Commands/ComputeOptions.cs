using System.CommandLine;
using Quarank.Cli.Console;
using Quarank.Numerics;

namespace Quarank.Cli.Commands;

/// <summary>What every command that computes takes.</summary>
internal static class ComputeOptions
{
    public static Option<int?> Threads { get; } = Inputs.Whole(
        "--threads", "N", "Threads to use (all processors); results do not depend on it.", 1, 1024);

    public static void Apply(ParseResult parsed)
    {
        if (parsed.GetValue(Threads) is { } count) Numerics.Threads.Count = count;
    }

    /// <summary>
    /// Holds the managed heap below a size, less what lies outside of it: the collector then works rather than let memory lie, and a plan that
    /// was wrong ends in an <see cref="OutOfMemoryException"/> rather than in swapping.
    /// </summary>
    public static void LimitHeap(long bytes)
    {
        const long outside = 150L << 20;
        AppContext.SetData("GCHeapHardLimit", (ulong)Math.Max(outside, bytes - outside));
        GC.RefreshMemoryLimit();
    }
}
