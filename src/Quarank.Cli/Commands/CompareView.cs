using Quarank.Cli.Console;
using Quarank.Studies;

namespace Quarank.Cli.Commands;

/// <summary>A comparison for the eye.</summary>
internal static class CompareView
{
    /// <summary>One row as it is finished.</summary>
    public static string Line(ComparisonRow row) => row.Measures is { } m
        ? Units.Invariant($"{row.Name} at {row.TargetBitsPerWeight:0.###} bits: perplexity {Units.Perplexity(m.Perplexity)}, KL {m.KlMean:0.0000}, {m.MissPercent:+0.00;-0.00} % of the bytes")
        : Units.Invariant($"{row.Name} at {row.TargetBitsPerWeight:0.###} bits: {row.Refusal}");

    public static void Write(Terminal terminal, Comparison comparison, string folder)
    {
        var dense = comparison.Model;
        Tables.Write(terminal,
            [new("recipe"), new("done"), new("bits per weight", true), new("file", true), new("miss", true), new("perplexity", true), new("±", true),
                new("Δ loss", true), new("±", true), new("KL", true), new("KL 99 %", true), new("top-1", true), new("error", true), new("worst", true),
                new("seconds", true), new("memory", true)],
            comparison.Rows.Where(r => r.Measures is not null).Select(r => Cells(r, r.Measures!))
                .Prepend(["dense", "", Units.BitsPerWeight(dense.BitsPerWeight), Units.Bytes(dense.FileBytes), "", Units.Perplexity(dense.Perplexity),
                    Units.Perplexity(dense.StandardError), .. Enumerable.Repeat("", 9)]));
        foreach (var row in comparison.Rows.Where(r => r.Refusal is not null)) terminal.Out.WriteLine($"not measured: {Line(row)}");
        terminal.Out.WriteLine();
        Tables.WritePairs(terminal,
        [
            ("measured on", Units.Invariant($"{comparison.Evaluation.Text}: {comparison.Evaluation.Tokens:N0} tokens in {comparison.Evaluation.Segments} {comparison.Evaluation.Protocol}")),
            ("memory", comparison.PeakMemoryMeasure),
            ("report", string.Join(", ", new[] { Comparison.FileName, ComparisonMarkdown.FileName, HtmlReport.FileName }.Select(f => Path.Combine(folder, f)))),
        ]);
    }

    private static string[] Cells(ComparisonRow row, ComparisonMeasures m) =>
    [
        row.Name, row.Method, Units.BitsPerWeight(m.BitsPerWeight), Units.Bytes(m.FileBytes), Units.Invariant($"{m.MissPercent:+0.00;-0.00} %"),
        Units.Perplexity(m.Perplexity), Units.Perplexity(m.StandardError), Units.Invariant($"{m.LossDifference:0.0000}"),
        Units.Invariant($"{m.LossDifferenceError:0.0000}"), Units.Invariant($"{m.KlMean:0.0000}"), Units.Invariant($"{m.Kl99:0.000}"),
        Units.Invariant($"{100 * m.TopAgreement:0.0} %"), Units.Invariant($"{m.RelativeErrorMean:0.0000}"), Units.Invariant($"{m.RelativeErrorWorst:0.0000}"),
        Units.Invariant($"{m.SecondsCompress:0.0}"), m.PeakMemoryBytes is { } peak ? Units.Bytes(peak) : "",
    ];
}
