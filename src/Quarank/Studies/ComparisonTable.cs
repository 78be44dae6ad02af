using Quarank.Studies.Charts;

namespace Quarank.Studies;

/// <summary>The tables of the HTML report.</summary>
internal static class ComparisonTable
{
    /// <summary>Every row with every column.</summary>
    public static HtmlTable Of(Comparison comparison)
    {
        var columns = ComparisonColumns.Of(comparison);
        return new("Rows at one size have equal bytes, as near as each method comes.", [.. columns.Select(c => c.Head)],
            [new([.. columns.Select(c => c.Dense)], "dense"), .. comparison.Rows.Select(r => Row(r, columns))]);
    }

    /// <summary>A line for every recipe and a column for every size: the perplexity of a text.</summary>
    public static HtmlTable Overview(Comparison comparison, int text) => new(
        $"Perplexity on {comparison.Texts[text].Text} by bits per weight; dense: {NumberText.WithError(comparison.Texts[text].Perplexity, comparison.Texts[text].StandardError)}",
        [new("recipe", Words: true), .. Sizes(comparison).Select(s => new TableColumn(NumberText.Fixed(s, 2), Best: Best.Lowest))],
        [.. Overview(comparison, (_, m) => m.Texts[text]).Select(line => new TableRow(line))]);

    /// <summary>Recipes down, sizes across.</summary>
    internal static IEnumerable<IReadOnlyList<TableCell>> Overview(Comparison comparison, Func<ComparisonRow, ComparisonMeasures, TextMeasures> text) =>
        comparison.Rows.GroupBy(r => r.Name).Select(recipe => (IReadOnlyList<TableCell>)
            [recipe.Key, .. Sizes(comparison).Select(size => Brief(recipe.FirstOrDefault(r => r.TargetBitsPerWeight == size), text))]);

    internal static IReadOnlyList<double> Sizes(Comparison comparison) => [.. comparison.Rows.Select(r => r.TargetBitsPerWeight).Distinct()];

    private static TableCell Brief(ComparisonRow? row, Func<ComparisonRow, ComparisonMeasures, TextMeasures> text)
    {
        if (row?.Measures is not { } measures)
            return new(row?.State switch { RowState.Failed => "failed", RowState.Waiting => "not yet", _ => "–" }, Help: row?.Remark);
        var m = text(row, measures);
        return new(NumberText.Round(m.Perplexity), m.Perplexity, $"{row.Method}: {NumberText.WithError(m.Perplexity, m.StandardError)}; KL {NumberText.WithError(m.KlMean, m.KlMeanError)}");
    }

    private static TableRow Row(ComparisonRow row, IReadOnlyList<ComparisonColumn> columns)
    {
        string group = NumberText.Fixed(row.TargetBitsPerWeight, 3);
        return row.Measures is { } m ? new([.. columns.Select(c => c.Cell(row, m))], group)
            : new([row.Name, row.Method, new(group, row.TargetBitsPerWeight), new(NumberText.Bytes(row.TargetBytes), row.TargetBytes), new(row.Remark)], group);
    }

    /// <summary>One line per kind of layer.</summary>
    public static HtmlTable Kinds(ComparisonMeasures measures) => new("By kind of layer",
        [
            new("kind", Words: true), new("layers"), new("stored as", Words: true), new("bits per weight"), new("error, mean"), new("error, worst"), new("in block"), new("time (s)"),
        ],
        [.. measures.Layers.GroupBy(l => l.Kind).Select(kind =>
        {
            var worst = kind.MaxBy(l => double.IsFinite(l.RelativeError) ? l.RelativeError : double.MaxValue)!;
            double weights = kind.Sum(l => (double)l.Rows * l.Columns), bits = kind.Sum(l => l.BitsPerWeight * l.Rows * l.Columns) / weights;
            var forms = kind.Select(l => l.Form).Distinct().ToList();
            double mean = kind.Average(l => l.RelativeError), seconds = kind.Sum(l => l.Seconds);
            return new TableRow([
                kind.Key, new($"{kind.Count()}", kind.Count()), forms.Count <= 2 ? string.Join("; ", forms) : new TableCell($"{forms[0]}; {forms.Count - 1} others", Help: string.Join("\n", forms)),
                new(NumberText.Fixed(bits, 3), bits), ComparisonColumns.Percent(mean), ComparisonColumns.Percent(worst.RelativeError), new($"{worst.Block}", worst.Block), new(NumberText.Fixed(seconds, 1), seconds),
            ]);
        })]);
}
