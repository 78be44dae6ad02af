using System.Text;
using Quarank.Studies.Charts;

namespace Quarank.Studies.Paper;

/// <summary>A study as a page to read.</summary>
internal static class StudyMarkdown
{
    public static string Of(StudyResult study)
    {
        var page = new StringBuilder();
        page.Append($"# {study.Title}\n\n{Setting(study.Setting)}");
        page.Append("\n## What the paper says\n\nPrinted figures, measured by its authors on their models; they stand here to be read beside ours, which are of another model.\n");
        foreach (var table in study.Paper) Append(page, table);
        page.Append("\n## What we find\n");
        foreach (var table in study.Tables) Append(page, table);
        foreach (var (file, figure) in study.Figures) page.Append($"\n![{figure.Title}]({file})\n");
        page.Append("\n## The reading\n\n");
        foreach (string sentence in study.Reading) page.Append($"{sentence}\n\n");
        page.Length--;
        Append(page, Claims(study.Claims));
        return page.ToString();
    }

    /// <summary>The statements of the paper beside what became of them.</summary>
    public static StudyTable Claims(IReadOnlyList<Claim> claims) => new("The paper's statements", ["statement", "source", "found", "verdict", "we say it holds when"],
        [.. claims.Select(c => (IReadOnlyList<string>)[c.Statement, c.Source, c.Found, c.Verdict, c.Rule])]);

    private static string Setting(StudySetting setting)
    {
        var c = setting.Calibration;
        var text = new StringBuilder(FormattableString.Invariant(
            $"Model {setting.Model}; calibration {c.Samples} × {c.Length:N0} tokens of {string.Join(", ", c.Texts)}; statistics of the {(setting.Propagate == Pipeline.Propagation.Original ? "original" : "compressed")} model's blocks."));
        foreach (var dense in setting.Texts)
            text.Append(FormattableString.Invariant($" Unchanged, it foretells {dense.Text.Text} ({dense.Text.Protocol}, {dense.Text.Tokens:N0} tokens) with perplexity {NumberText.WithError(dense.Perplexity, dense.StandardError)}."));
        return text.Append('\n').ToString();
    }

    private static void Append(StringBuilder page, StudyTable table)
    {
        page.Append($"\n**{table.Title}**\n\n");
        Row(page, table.Columns);
        page.Append('|').Insert(page.Length, " --- |", table.Columns.Count).Append('\n');
        foreach (var row in table.Rows) Row(page, row);
        if (table.Note.Length > 0) page.Append($"\n{table.Note}\n");
    }

    private static void Row(StringBuilder page, IReadOnlyList<string> cells) =>
        page.Append("| ").AppendJoin(" | ", cells.Select(c => c.Replace("|", "\\|"))).Append(" |\n");
}
