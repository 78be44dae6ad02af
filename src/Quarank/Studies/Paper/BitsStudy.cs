using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Studies.Charts;

namespace Quarank.Studies.Paper;

/// <summary>Table 6: how a fixed budget is best split between bits of P, bits of Q and rank.</summary>
internal static class BitsStudy
{
    /// <summary>The paper's pairs, in its order.</summary>
    public static readonly IReadOnlyList<(int P, int Q)> Pairs = [(5, 5), (4, 4), (3, 4), (4, 3), (3, 3)];

    public static IReadOnlyList<StudyVariant> Variants(double bitsPerWeight, BitBudget budget, IEnumerable<(int P, int Q)> more) =>
        [.. Pairs.Concat(more).Distinct().Select(b => new StudyVariant(Name(b), new Lordq(bitsPerWeight, PBits: b.P, QBits: b.Q, Budget: budget)))];

    public static StudyResult Of(StudySetting setting, IReadOnlyList<StudyRow> rows) =>
        new("bits", "Bits of P and Q at one budget (LoRDQ paper, Table 6)", setting, [Printed], [RowTables.Of("LoRDQ, K = 2, compensation; (bits of P, bits of Q)", rows)], Claims(rows), [Reading(rows)])
        {
            Rows = rows,
            Figures = [("error.svg", Errors(setting, rows)), .. setting.Texts.Select((_, t) => (RowTables.PlotName(setting, t), (Figure)Ranks(setting, rows, t)))],
        };

    private static string Name((int P, int Q) bits) => $"({bits.P}, {bits.Q})";

    private static readonly StudyTable Printed = new("Printed (Table 6, Llama-2-13B, 2 bits by codes)", ["(b_P, b_Q)", "rank kept", "WikiText2", "PTB", "C4"],
        [
            ["(5, 5)", "25.3 %", "882.23", "2471.30", "543.37"], ["(4, 4)", "31.6 %", "72.71", "529.87", "48.07"], ["(3, 4)", "36.7 %", "1117.26", "3071.91", "866.69"],
            ["(4, 3)", "35.4 %", "389.36", "1768.70", "239.82"], ["(3, 3)", "42.2 %", "9274.93", "7959.67", "7174.23"],
        ], "The printed ranks follow from the budget, but for (4, 3), which comes to 35.7 %. That 5 bits at 25 % of the rank should be twelve times worse than 4 bits at 32 % no model of the loss explains.");

    private static IReadOnlyList<Claim> Claims(IReadOnlyList<StudyRow> rows)
    {
        var judge = new Judge(rows);
        return
        [
            judge.Best("(4, 4) is the best split", "Table 6, App. E", "(4, 4)", ["(5, 5)", "(3, 4)", "(4, 3)", "(3, 3)"]),
            judge.Below("(5, 5) keeps too little rank: worse than (4, 4) (printed: 12 times)", "Table 6", "(4, 4)", "(5, 5)"),
            judge.Below("Q bears 3 bits better than P: (4, 3) before (3, 4)", "Table 6", "(4, 3)", "(3, 4)"),
            judge.Falling("(3, 3) is the worst, then (3, 4), (5, 5), (4, 3), (4, 4)", "Table 6 (WikiText2)", ["(3, 3)", "(3, 4)", "(5, 5)", "(4, 3)", "(4, 4)"]),
        ];
    }

    private static string Reading(IReadOnlyList<StudyRow> rows)
    {
        var tried = rows.Where(r => r.Refusal is null).OrderBy(r => r.MeanError).ToList();
        return $"{RowTables.Lowest(rows)} By mean error the order is {string.Join(" < ", tried.Select(r => $"{r.Name} {Words.Number(r.MeanError, 4)}"))}.{RowTables.ErrorsAgainstPerplexity(rows)}";
    }

    private static BarChart Errors(StudySetting setting, IReadOnlyList<StudyRow> rows) => new($"Error by bits of P and Q, {setting.Model}", new Axis("mean relative error", From: 0),
        [.. rows.Select(r => r.Name)], [new BarSeries("", [.. rows.Select(r => r.Refusal is null ? r.MeanError : double.NaN)])])
    { GroupsTitle = "(bits of P, bits of Q)", Note = "At one budget: fewer bits a code, more rank. Lower is better." };

    // All rows are of one size, so the rank that each keeps says more.
    private static Chart Ranks(StudySetting setting, IReadOnlyList<StudyRow> rows, int text) =>
        new($"Perplexity over rank at one budget, {setting.Model}", new Axis("rank kept", Unit: AxisUnit.Percent), new Axis("perplexity", Log: true),
            [.. rows.Where(r => r.Refusal is null).Select(r => new Series(r.Name, [new DataPoint(r.RankFraction!.Value, r.Scores![text].Perplexity)], Look.Points))])
        { Note = $"{setting.Texts[text].Text.Text}; lower is better." };
}
