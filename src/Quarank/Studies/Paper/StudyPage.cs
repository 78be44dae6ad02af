using Quarank.Studies.Charts;

namespace Quarank.Studies.Paper;

/// <summary>A study as one HTML file, with its plots in it.</summary>
internal static class StudyPage
{
    public static HtmlPage Of(StudyResult study)
    {
        var (setting, calibration) = (study.Setting, study.Setting.Calibration);
        var page = new HtmlPage(study.Title).Facts([
            ("model", setting.Model),
            ("calibration", $"{string.Join(", ", calibration.Texts)}: {calibration.Samples} × {calibration.Length} tokens, statistics of the "
                + $"{(setting.Propagate == Pipeline.Propagation.Original ? "original" : "compressed")} model's blocks"),
            .. setting.Texts.Select(t => ("evaluation", $"{t.Text.Text}: {t.Text.Protocol}; unchanged, perplexity {NumberText.WithError(t.Perplexity, t.StandardError)}")),
            ("program", $"{setting.Program}; {setting.Blas}")]);

        page.Heading("What we find");
        foreach (var table in study.Tables) Add(page, table);
        foreach (var (_, figure) in study.Figures) Add(page, figure);

        page.Heading("The reading");
        foreach (string sentence in study.Reading) page.Paragraph(sentence);
        Add(page, StudyMarkdown.Claims(study.Claims));

        page.Heading("What the paper says").Paragraph(
            "Printed figures, measured by its authors on their models; they stand here to be read beside ours, which are of another model.");
        foreach (var table in study.Paper) Add(page, table);
        return page;
    }

    /// <summary>Panels stand as figures of their own, so that as many are side by side as the window has room for.</summary>
    private static void Add(HtmlPage page, Figure figure)
    {
        if (figure is not Panels { Figures: [Chart first, ..] } panels)
        {
            page.Figure(figure);
            return;
        }
        page.Heading(panels.Title, 3);
        if (panels.Note.Length > 0) page.Paragraph(panels.Note);
        page.Figures(panels.Figures.Select(f => (panels.Shared && f is Chart chart ? chart with { HideLegend = true } : f) with { Width = 284 }),
            panels.Shared ? first : null);
    }

    private static void Add(HtmlPage page, StudyTable table)
    {
        page.Heading(table.Title, 3);
        bool Words(int column) => column == 0 || table.Rows.Any(r => r[column].Length > 0 && !char.IsAsciiDigit(r[column].TrimStart('−', '-', '+')[0]))
            || table.Rows.Any(r => r[column].Length > 24);
        page.Table(new(table.Note, [.. table.Columns.Select((title, i) => new TableColumn(title, Words: Words(i)))],
            [.. table.Rows.Select(r => new TableRow([.. r.Select(c => new TableCell(c))]))]));
    }
}
