using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace Quarank.Benchmarks.Kernels;

/// <summary>What one call costs, and what the machine could do just before and just after a case was measured.</summary>
/// <param name="Unit">"GB/s" read from memory or "GFLOP/s" of sgemm.</param>
internal sealed record Limit(string Unit, double Work, double PerSecond)
{
    private static readonly Dictionary<string, List<Limit>> Seen = [];

    /// <summary>To be called before and after a case, under the name of its parameters.</summary>
    public static void Note(string benchmark, Limit limit)
    {
        if (!Seen.TryGetValue(benchmark, out var all)) Seen.Add(benchmark, all = []);
        all.Add(limit);
    }

    /// <summary>The last two looks at a case; null when it has no limit.</summary>
    public static Limit? Of(BenchmarkCase benchmark)
    {
        string name = $"{benchmark.Descriptor.Type.Name} {string.Join(' ', benchmark.Parameters.Items.Select(p => p.Value))}";
        return Seen.TryGetValue(name, out var all) ? all[^1] with { PerSecond = all.TakeLast(2).Average(l => l.PerSecond) } : null;
    }
}

/// <summary>A column that knows the limit of a case.</summary>
internal abstract class LimitedColumn(string name, string legend) : IColumn
{
    public string Id => GetType().Name;
    public string ColumnName => name;
    public string Legend => legend;
    public bool AlwaysShow => true;
    public ColumnCategory Category => ColumnCategory.Custom;
    public int PriorityInCategory => 0;
    public bool IsNumeric => true;
    public UnitType UnitType => UnitType.Dimensionless;
    public bool IsAvailable(Summary summary) => true;
    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;
    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase) =>
        Limit.Of(benchmarkCase) is { } limit && summary[benchmarkCase]?.ResultStatistics is { } times ? Show(limit, times.Median * 1e-9) : "-";

    protected abstract string Show(Limit limit, double seconds);
}

internal sealed class WorkColumn() : LimitedColumn("Reached", "Bytes read, or operations done, per second, by the median")
{
    protected override string Show(Limit limit, double seconds) => FormattableString.Invariant($"{limit.Work / seconds / 1e9:F1} {limit.Unit}");
}

internal sealed class LimitColumn() : LimitedColumn("Limit", "Memory bandwidth, or sgemm's rate, measured before and after the case in this process")
{
    protected override string Show(Limit limit, double seconds) => FormattableString.Invariant($"{limit.PerSecond / 1e9:F1} {limit.Unit}");
}

internal sealed class ShareColumn() : LimitedColumn("Share", "Reached / Limit")
{
    protected override string Show(Limit limit, double seconds) => FormattableString.Invariant($"{limit.Work / seconds / limit.PerSecond:P0}");
}
