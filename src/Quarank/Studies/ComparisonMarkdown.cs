using System.Globalization;
using System.Text;
using Quarank.Studies.Charts;
using Quarank.Tokenizers;

namespace Quarank.Studies;

/// <summary>A comparison as Markdown: what was measured, and one table.</summary>
public static class ComparisonMarkdown
{
    public const string FileName = "comparison.md";

    private static readonly string[] Heads =
    [
        "recipe", "done", "bits per weight", "file", "miss", "perplexity", "Δ loss", "KL", "KL 99 %", "top-1", "error", "worst layer",
        "compress", "evaluate", "peak memory",
    ];

    public static string Of(Comparison comparison)
    {
        var (model, text, calibration) = (comparison.Model, comparison.Evaluation, comparison.Calibration);
        var lines = new StringBuilder();
        lines.AppendLine(CultureInfo.InvariantCulture, $"# {model.Name}: recipes at equal bytes").AppendLine();
        lines.AppendLine(CultureInfo.InvariantCulture,
            $"{model.Weights:N0} weights in {model.Layers} linear layers; {NumberText.Bytes(model.KeptBytes)} of other tensors stay as they are. "
            + $"Calibrated on {string.Join(", ", calibration.Texts)} ({calibration.Samples} x {calibration.Length:N0} tokens). {(calibration.TokenizerRules == TokenizerRules.Class ? "Texts are cut by the rules of the tokenizer's class. " : "")}"
            + $"Measured on {text.Text} ({text.Tokens:N0} tokens in {text.Segments} {text.Protocol}); dense: perplexity {NumberText.Round(model.Perplexity)} ± {NumberText.Round(model.StandardError)}.");
        foreach (var size in comparison.Rows.GroupBy(r => r.TargetBytes))
        {
            lines.AppendLine().AppendLine(CultureInfo.InvariantCulture,
                $"## {size.First().TargetBitsPerWeight:0.###} bits per weight, {size.Key:N0} bytes").AppendLine();
            Line(lines, Heads);
            Line(lines, Heads.Select((_, i) => i < 2 || i == 11 ? "---" : "---:"));
            foreach (var row in size) Line(lines, Cells(row));
        }
        lines.AppendLine().AppendLine(CultureInfo.InvariantCulture,
            $"Δ loss and KL in nats against the dense model, ± standard error over tokens. Peak memory: {comparison.PeakMemoryMeasure}. {comparison.Program}.");
        return lines.ToString().ReplaceLineEndings("\n");
    }

    /// <summary>The table's cells of one row; a refused one tells why in the place of its measures.</summary>
    internal static IReadOnlyList<string> Cells(ComparisonRow row)
    {
        if (row.Measures is not { } m) return [row.Name, $"not at this size: {row.Refusal}", .. Enumerable.Repeat("", Heads.Length - 2)];
        return
        [
            row.Name, row.Method, Text($"{m.BitsPerWeight:0.000}"), NumberText.Bytes(m.FileBytes), Text($"{m.MissPercent:+0.00;-0.00} %"),
            Text($"{NumberText.Round(m.Perplexity)} ± {NumberText.Round(m.StandardError)}"), Text($"{m.LossDifference:0.0000} ± {m.LossDifferenceError:0.0000}"),
            Text($"{m.KlMean:0.0000} ± {m.KlMeanError:0.0000}"), Text($"{m.Kl99:0.000}"), Text($"{100 * m.TopAgreement:0.0} %"),
            Text($"{m.RelativeErrorMean:0.0000}"), Text($"{m.RelativeErrorWorst:0.0000} ({m.WorstLayer})"), Text($"{m.SecondsCompress:0.0} s"),
            Text($"{m.SecondsEvaluate:0.0} s"), m.PeakMemoryBytes is { } peak ? NumberText.Bytes(peak) : "not measured",
        ];
    }

    private static string Text(FormattableString text) => FormattableString.Invariant(text);

    private static void Line(StringBuilder to, IEnumerable<string> cells) =>
        to.AppendLine($"| {string.Join(" | ", cells.Select(c => c.Replace("|", "\\|", StringComparison.Ordinal)))} |");
}
