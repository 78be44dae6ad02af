using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;

namespace Quarank.Benchmarks.Kernels;

/// <summary>
/// BenchmarkDotNet on the kernels, in this process, so that the limits beside each figure are measured where the figure is. Arguments
/// are BenchmarkDotNet's: <c>--filter '*Product*'</c>, <c>--list flat</c>. Only the tables are printed.
/// </summary>
internal static class KernelBenchmarks
{
    public static void Run(string[] arguments)
    {
        var job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithIterationTime(TimeInterval.FromMilliseconds(100))
            .WithWarmupCount(3).WithIterationCount(9).DontEnforcePowerPlan();
        var config = ManualConfig.CreateEmpty().AddJob(job).AddLogger(NullLogger.Instance)
            .AddColumnProvider(DefaultColumnProviders.Descriptor, DefaultColumnProviders.Params, DefaultColumnProviders.Statistics)
            .AddColumn(new WorkColumn(), new LimitColumn(), new ShareColumn()).HideColumns(Column.Error)
            .WithArtifactsPath(Path.Combine("artifacts", "benchmarks")).WithOptions(ConfigOptions.DisableLogFile);
        string[] all = arguments.Length == 0 ? ["--filter", "*"] : arguments;
        var switcher = BenchmarkSwitcher.FromTypes([typeof(OneTokenProducts), typeof(PromptProducts), typeof(AttentionOverCache), typeof(SmallKernels), typeof(ForkJoin)]);
        foreach (var summary in switcher.Run(all, config)) MarkdownExporter.Console.ExportToLog(summary, ConsoleLogger.Default);
    }
}
