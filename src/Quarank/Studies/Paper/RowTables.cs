using Quarank.Studies.Charts;

namespace Quarank.Studies.Paper;

/// <summary>What the studies of rows have in common: their table, their plot, what error and perplexity say of one another.</summary>
internal static class RowTables
{
    public static StudyTable Of(string title, IReadOnlyList<StudyRow> rows, string note = "", bool ranks = true) => new(title,
        ["variant", .. Enumerable.Repeat("rank kept", ranks ? 1 : 0), "bits stored", "file", "mean error", "worst", .. Texts(rows).Select(t => $"perplexity, {t}"), "seconds"],
        [.. rows.Select(r => Cells(r, ranks, Texts(rows).Count))],
        $"Errors are relative output errors from the packed codes, H undamped; bits count every stored byte of the compressed layers. {note}".TrimEnd());

    private static IReadOnlyList<string> Cells(StudyRow row, bool ranks, int texts)
    {
        string[] rank = ranks ? [row.RankFraction is { } f ? Words.Percent(f) : ""] : [];
        if (row.Refusal is not null) return [row.Name, .. rank, "", "", $"not tried: {row.Refusal}", "", .. Enumerable.Repeat("", texts), ""];
        return [row.Name, .. rank, Words.Number(row.BitsPerWeight, 3), NumberText.Bytes(row.FileBytes), Words.Number(row.MeanError, 4), $"{Words.Number(row.WorstError, 4)} ({row.WorstLayer})",
            .. row.Scores!.Select(s => $"{NumberText.WithError(s.Perplexity, s.StandardError)}"), Words.Number(row.Seconds, 1)];
    }

    private static IReadOnlyList<string> Texts(IReadOnlyList<StudyRow> rows) => [.. rows.Where(r => r.Scores is not null).SelectMany(r => r.Scores!.Select(s => s.Text)).Distinct()];

    /// <summary>Whether the error ranks the rows as perplexity does.</summary>
    public static string ErrorsAgainstPerplexity(IReadOnlyList<StudyRow> rows)
    {
        var measured = rows.Where(r => r.Refusal is null && r.Scores is { Count: > 0 }).ToList();
        if (measured.Count < 3) return "";
        var correlations = Texts(measured).Select((text, t) =>
            $"{Words.Number(Correlation.OfRanks([.. measured.Select(r => r.MeanError)], [.. measured.Select(r => r.Scores![t].Perplexity)]), 2)} on {text}");
        return $" Mean error and perplexity order the {measured.Count} rows alike to Spearman's {string.Join(", ", correlations)}; the least error has {measured.MinBy(r => r.MeanError)!.Name}.";
    }

    /// <summary>The row of lowest perplexity on each text.</summary>
    public static string Lowest(IReadOnlyList<StudyRow> rows)
    {
        var measured = rows.Where(r => r.Refusal is null && r.Scores is { Count: > 0 }).ToList();
        if (measured.Count == 0) return "No text was foretold, so only errors can be compared.";
        return string.Join(" ", Texts(measured).Select((text, t) =>
        {
            var order = measured.OrderBy(r => r.Scores![t].Perplexity).ToList();
            string second = order.Count < 2 ? "" : $", followed by {order[1].Name} with {NumberText.Round(order[1].Scores![t].Perplexity)}{(Judge.Apart(order[0].Scores![t], order[1].Scores![t]) ? "" : " (within two standard errors)")}";
            return $"On {text} the lowest perplexity has {order[0].Name}: {NumberText.Round(order[0].Scores![t].Perplexity)}{second}.";
        }));
    }

    public static string PlotName(StudySetting setting, int text) => setting.Texts.Count == 1 ? "perplexity.svg" : $"perplexity-{text + 1}.svg";

    /// <summary>Perplexity of the rows over their size, a chart for each text.</summary>
    /// <param name="series">Which rows share a colour and a line; a row for itself by default.</param>
    public static IReadOnlyList<(string File, Figure Figure)> Plots(StudySetting setting, IReadOnlyList<StudyRow> rows, Func<StudyRow, string>? series = null)
    {
        var measured = rows.Where(r => r.Refusal is null && r.Scores is { Count: > 0 }).ToList();
        return [.. setting.Texts.Select((text, t) => (PlotName(setting, t), (Figure)new Chart($"Perplexity over size, {setting.Model}",
            new Axis("bits per weight, all that is stored"), new Axis("perplexity", Log: true),
            [.. measured.GroupBy(series ?? (r => r.Name)).Select(group => new Series(group.Key, [.. group.Select(r => new DataPoint(r.BitsPerWeight, r.Scores![t].Perplexity,
                r.Scores![t].Perplexity - r.Scores![t].StandardError, r.Scores![t].Perplexity + r.Scores![t].StandardError))]))])
        {
            Note = $"{text.Text.Text}, {text.Text.Protocol}; bars: one standard error; lower is better.",
            Guides = [new(text.Perplexity, "unchanged")],
        }))];
    }
}
