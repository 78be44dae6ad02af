using Quarank.Cli.Console;
using Quarank.Studies;

namespace Quarank.Cli.Commands;

/// <summary>A comparison for the eye.</summary>
internal static class CompareView
{
    /// <summary>One row as it is finished.</summary>
    public static string Line(ComparisonRow row) => row.Measures is { } m
        ? Units.Invariant($"{row.Name} at {row.TargetBitsPerWeight:0.###} bits: perplexity {string.Join(", ", m.Texts.Select(t => Units.Perplexity(t.Perplexity)))}, KL {m.Texts[0].KlMean:0.0000}, {m.MissPercent:+0.00;-0.00} % of the bytes")
        : Units.Invariant($"{row.Name} at {row.TargetBitsPerWeight:0.###} bits: {row.Remark}");

    public static void Write(Terminal terminal, Comparison comparison, string folder)
    {
        var columns = ComparisonColumns.Of(comparison);
        Tables.Write(terminal, [.. columns.Select(c => new Column(c.Head.Title, !c.Head.Words))],
            comparison.Rows.Where(r => r.Measures is not null).Select(r => (IReadOnlyList<string>)[.. columns.Select(c => c.Cell(r, r.Measures!).Text)])
                .Prepend([.. columns.Select(c => c.Dense.Text)]));
        foreach (var row in comparison.Rows.Where(r => r.Measures is null)) terminal.Out.WriteLine($"not measured: {Line(row)}");
        terminal.Out.WriteLine();
        Tables.WritePairs(terminal,
        [
            .. comparison.Texts.Select(t => ("measured on", Units.Invariant($"{t.Text}: {t.Tokens:N0} tokens in {t.Segments} {t.Protocol}"))),
            ("memory", comparison.PeakMemoryMeasure),
            ("report", string.Join(", ", new[] { Comparison.FileName, ComparisonMarkdown.FileName, HtmlReport.FileName }.Select(f => Path.Combine(folder, f)))),
        ]);
    }
}
