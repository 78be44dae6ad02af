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
}
