using System.Globalization;
using System.Text;
using Quarank.Studies.Charts;
using Quarank.Tokenizers;

namespace Quarank.Studies;

/// <summary>A comparison as Markdown: what was measured, perplexities at a glance, and a table for every size.</summary>
public static class ComparisonMarkdown
{
    public const string FileName = "comparison.md";

    public static string Of(Comparison comparison)
    {
        var (model, calibration) = (comparison.Model, comparison.Calibration);
        var columns = ComparisonColumns.Of(comparison);
        var lines = new StringBuilder();
        lines.AppendLine(CultureInfo.InvariantCulture, $"# {model.Name}: recipes at equal bytes").AppendLine();
        lines.AppendLine(CultureInfo.InvariantCulture,
            $"{model.Weights:N0} weights in {model.Layers} linear layers; {NumberText.Bytes(model.KeptBytes)} of other tensors stay as they are. "
            + $"Calibrated on {string.Join(", ", calibration.Texts)} ({calibration.Samples} x {calibration.Length:N0} tokens). {(calibration.TokenizerRules == TokenizerRules.Class ? "Texts are cut by the rules of the tokenizer's class. " : "")}"
            + $"Measured on {string.Join("; ", comparison.Texts.Select(Told))}{string.Concat(Tasks(comparison).Select(t => $"; {t}"))}.");
        if (ComparisonTable.Sizes(comparison).Count > 1)
            for (int i = 0; i < comparison.Texts.Count; i++) Overview(lines, comparison, i);
        foreach (var size in comparison.Rows.GroupBy(r => r.TargetBytes)) Size(lines, columns, [.. size]);
        lines.AppendLine().AppendLine(CultureInfo.InvariantCulture,
            $"Δ loss and KL in nats against the dense model, ± standard error over tokens. Peak memory: {comparison.PeakMemoryMeasure}. {comparison.Program}.");
        return lines.ToString().ReplaceLineEndings("\n");
    }

    /// <summary>A text with the dense model's perplexity on it.</summary>
    internal static string Told(ReferenceText t) => FormattableString.Invariant(
        $"{t.Text} ({t.Tokens:N0} tokens in {t.Segments} {t.Protocol}; dense: perplexity {NumberText.Round(t.Perplexity)} ± {NumberText.Round(t.StandardError)})");

    internal static IEnumerable<string> Tasks(Comparison comparison) => comparison.Tasks.GroupBy(t => t.Task).Select(t => FormattableString.Invariant(
        $"{t.Key} ({t.First().Documents:N0} questions{(t.First().FewShot > 0 ? FormattableString.Invariant($", {t.First().FewShot} examples before each") : "")}; dense: {string.Join(", ", t.Select(m => $"{m.Metric} {NumberText.Round(m.Value)}{(m.Error is { } e ? $" ± {NumberText.Round(e)}" : "")}"))})"));

    private static void Overview(StringBuilder lines, Comparison comparison, int text)
    {
        var sizes = ComparisonTable.Sizes(comparison);
        lines.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"## Perplexity on {comparison.Texts[text].Text} by bits per weight").AppendLine();
        Line(lines, sizes.Select(s => NumberText.Fixed(s, 2)).Prepend("recipe"));
        Line(lines, sizes.Select(_ => "---:").Prepend("---"));
        foreach (var line in ComparisonTable.Overview(comparison, (_, m) => m.Texts[text])) Line(lines, line.Select(c => c.Text));
    }

    private static void Size(StringBuilder lines, IReadOnlyList<ComparisonColumn> columns, IReadOnlyList<ComparisonRow> rows)
    {
        lines.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"## {rows[0].TargetBitsPerWeight:0.###} bits per weight, {rows[0].TargetBytes:N0} bytes").AppendLine();
        Line(lines, columns.Select(c => c.Head.Title));
        Line(lines, columns.Select(c => c.Head.Words ? "---" : "---:"));
        foreach (var row in rows)
            Line(lines, row.Measures is { } m ? columns.Select(c => c.Cell(row, m).Text) : [row.Name, row.Remark, .. Enumerable.Repeat("", columns.Count - 2)]);
    }

    private static void Line(StringBuilder to, IEnumerable<string> cells) =>
        to.AppendLine($"| {string.Join(" | ", cells.Select(c => c.Replace("|", "\\|", StringComparison.Ordinal)))} |");
}
