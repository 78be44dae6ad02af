using Quarank.Cli.Console;
using Quarank.Studies;
using Quarank.Studies.Charts;

namespace Quarank.Cli.Commands;

/// <summary>A comparison for the eye.</summary>
internal static class CompareView
{
    /// <summary>One row as it is finished.</summary>
    public static string Line(ComparisonRow row) => row.Measures is { } m
        ? Units.Invariant($"{row.Name} at {row.TargetBitsPerWeight:0.###} bits: perplexity {string.Join(", ", m.Texts.Select(t => Units.Perplexity(t.Perplexity)))}, KL {m.Texts[0].KlMean:0.0000}, {NumberText.WithSign(m.MissPercent, 2)} % of the bytes")
        : Units.Invariant($"{row.Name} at {row.TargetBitsPerWeight:0.###} bits: {row.Remark}");

    /// <summary>What is left to do.</summary>
    public static void Write(Terminal terminal, ComparisonForecast forecast)
    {
        Tables.Write(terminal, [new("recipe"), new("bits", true), new("method"), new("left"), new("minutes", true), new("from")],
            forecast.Rows.Select(r => (IReadOnlyList<string>)[r.Name, Units.Invariant($"{r.BitsPerWeight:0.###}"), r.Method, r.Left, r.Seconds > 0 ? Minutes(r.Seconds) : "", r.Basis]));
        terminal.Out.WriteLine();
        terminal.Out.WriteLine($"About {Minutes(forecast.Seconds)} minutes in all, {Minutes(forecast.SecondsBefore)} of them for what all rows need. Where no row of a kind was measured, operations of two cores are counted and a method is taken for a usual one.");
    }

    private static string Minutes(double seconds) => Units.Invariant($"{seconds / 60:0.0}");

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
