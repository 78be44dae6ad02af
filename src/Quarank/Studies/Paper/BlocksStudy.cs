using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Studies.Charts;

namespace Quarank.Studies.Paper;

/// <summary>Table 3: how many blocks, with and without intra-block compensation, at one budget.</summary>
internal static class BlocksStudy
{
    private const int Most = 4;

    public static IReadOnlyList<StudyVariant> Variants(double bitsPerWeight, BitBudget budget) =>
        [.. Enumerable.Range(0, 2 * Most).Select(i => (K: 1 + i / 2, Compensation: i % 2 == 1)).Select(v =>
            new StudyVariant(Name(v.K, v.Compensation), new Lordq(bitsPerWeight, Blocks: v.K, Compensation: v.Compensation, Budget: budget)))];

    public static StudyResult Of(StudySetting setting, IReadOnlyList<StudyRow> rows) =>
        new("blocks", "Blocks and compensation (LoRDQ paper, Table 3)", setting, [Printed], [RowTables.Of("LoRDQ, 4-bit factors", rows)], Claims(rows), [Reading(rows)])
        {
            Rows = rows,
            Figures = Plots(setting, rows),
        };

    private static string Name(int blocks, bool compensation) => $"K = {blocks}{(compensation ? ", compensation" : "")}";

    private static readonly StudyTable Printed = new("Printed (Table 3, Llama-2-13B, 2 bits by codes): perplexity without → with compensation", ["K", "C4", "WikiText2", "PTB"],
        [
            ["1", "5240.53 → 9887.89", "6221.77 → 14610.08", "8458.17 → 18631.13"],
            ["2", "85.57 → 48.07", "143.68 → 72.71", "748.19 → 529.87"],
            ["3", "46.53 → 45.08", "77.87 → 74.19", "447.09 → 410.50"],
            ["4", "45.40 → 47.24", "77.47 → 79.19", "442.44 → 456.78"],
        ], "The rows K = 2 with compensation are those of Tables 1 and 6, digit for digit.");

    private static IReadOnlyList<Claim> Claims(IReadOnlyList<StudyRow> rows)
    {
        var judge = new Judge(rows);
        string[] plain = [.. Enumerable.Range(1, Most).Select(k => Name(k, false))], compensated = [.. Enumerable.Range(1, Most).Select(k => Name(k, true))];
        return
        [
            judge.Falling("more blocks are better: 6222 → 144 → 77.9 → 77.5 without compensation", "Table 3, §5.3", plain),
            judge.Best("with compensation K = 2 is best on WikiText2: 14610, 72.7, 74.2, 79.2", "Table 3", compensated[1], [compensated[0], .. compensated[2..]]),
            judge.Below("compensation hurts at K = 1", "Table 3", plain[0], compensated[0]),
            judge.Below("compensation helps at K = 2", "Table 3", compensated[1], plain[1]),
            judge.Below("compensation helps at K = 3", "Table 3", compensated[2], plain[2]),
            judge.Below("compensation hurts at K = 4", "Table 3", plain[3], compensated[3]),
            judge.Of("the blocks are the primary driver, compensation is secondary", "§5.3", "the step from K = 1 to 2 changes ln perplexity more than compensation does at any K", [.. plain, .. compensated],
                (found, t) =>
                {
                    double Log(int i) => Math.Log(found[i][t].Perplexity);
                    double blocks = Math.Abs(Log(0) - Log(1)), most = Enumerable.Range(0, Most).Max(k => Math.Abs(Log(k) - Log(Most + k)));
                    return (blocks > most, $"a factor of {NumberText.Round(Math.Exp(blocks))} against at most {NumberText.Round(Math.Exp(most))}", Judge.Apart(found[0][t], found[1][t]));
                }),
        ];
    }

    private static string Reading(IReadOnlyList<StudyRow> rows)
    {
        var tried = rows.Where(r => r.Refusal is null).ToList();
        string errors = string.Join(", ", tried.Select(r => $"{Words.Number(r.MeanError, 4)} ({r.Name})"));
        return $"{RowTables.Lowest(rows)} Mean errors: {errors}.{RowTables.ErrorsAgainstPerplexity(rows)}";
    }

    private static IReadOnlyList<(string, Figure)> Plots(StudySetting setting, IReadOnlyList<StudyRow> rows)
    {
        string[] groups = [.. Enumerable.Range(1, Most).Select(k => $"{k}")];
        double[] Values(bool compensation, Func<StudyRow, double> of) =>
            [.. Enumerable.Range(1, Most).Select(k => rows.First(r => r.Name == Name(k, compensation)) is { Refusal: null } row ? of(row) : double.NaN)];
        BarChart Bars(string title, string note, Axis axis, Func<StudyRow, double> of) => new(title, axis, groups,
            [new BarSeries("no compensation", Values(false, of)), new BarSeries("compensation", Values(true, of))])
        { GroupsTitle = "blocks K", Note = note };
        return
        [
            ("error.svg", Bars($"Error by number of blocks, {setting.Model}", "Mean relative output error over the layers; lower is better.", new Axis("mean relative error", From: 0), r => r.MeanError)),
            .. setting.Texts.Select((text, t) => (RowTables.PlotName(setting, t), (Figure)Bars($"Perplexity by number of blocks, {setting.Model}",
                $"{text.Text.Text}; lower is better.", new Axis("perplexity", Log: true), r => r.Scores![t].Perplexity))),
        ];
    }
}
