using System.Globalization;
using Quarank.Studies.Charts;

namespace Quarank.Studies;

/// <summary>A comparison as one HTML file that needs nothing else: table, plots, maps, details.</summary>
public static class HtmlReport
{
    public const string FileName = "comparison.html";

    /// <summary>Writes the file whole or not at all.</summary>
    /// <param name="date">When it was measured; left out when null, so that the same comparison gives the same bytes.</param>
    public static void Write(Comparison comparison, string path, DateOnly? date = null) => Page(comparison, date).Write(path);

    internal static HtmlPage Page(Comparison comparison, DateOnly? date)
    {
        var charts = new ComparisonCharts(comparison);
        var (model, calibration) = (comparison.Model, comparison.Calibration);
        var page = new HtmlPage($"{model.Name}: compression compared at equal bytes");
        page.Facts([
            ("model", $"{model.Name}: {NumberText.Fixed(model.Weights, 0)} weights in {model.Layers} linear layers, {NumberText.Bytes(model.FileBytes)}, of which "
                + $"{NumberText.Bytes(model.KeptBytes)} (embedding, head, norms, biases) stay as they are"),
            ("evaluation", string.Join("; ", comparison.Texts.Select(t => $"{t.Text}: {NumberText.Fixed(t.Tokens, 0)} tokens foretold, {t.Segments} segments of {t.Length}, {t.Protocol}"))),
            ("dense perplexity", string.Join(", ", comparison.Texts.Select(t => $"{t.Text} {NumberText.WithError(t.Perplexity, t.StandardError)}"))),
            .. Tasks(comparison),
            ("calibration", $"{string.Join(", ", calibration.Texts)}: {calibration.Samples} × {calibration.Length} tokens, "
                + $"{calibration.Sampling.ToString().ToLowerInvariant()}, seed {calibration.Seed}"),
            ("program", $"{comparison.Program}; {comparison.Blas}"),
            ("date", date?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? "not given")]);

        if (ComparisonTable.Sizes(comparison).Count > 1)
        {
            page.Heading("At a glance").Paragraph("A dash: the recipe has no setting near that size; the reason stands in the table below, and shows when the pointer rests on it.");
            for (int i = 0; i < comparison.Texts.Count; i++) page.Table(ComparisonTable.Overview(comparison, i));
        }
        page.Heading("Table").Table(ComparisonTable.Of(comparison));
        page.Paragraph($"Peak memory: {comparison.PeakMemoryMeasure}. Click on a column's head to sort; the best figure at each size is underlined.");

        page.Heading("Perplexity and divergence over bytes").Figures(charts.Frontiers());
        AddErrors(page, charts);
        AddMaps(page, charts);
        AddSpectra(page, charts);
        page.Heading("Recipes");
        foreach (var row in comparison.Rows) page.Details($"{row.Name}, {ComparisonCharts.Size(row)}", p => AddRow(p, row));
        return page;
    }

    private static IEnumerable<(string, string)> Tasks(Comparison comparison)
    {
        if (comparison.Tasks.Count > 0) yield return ("tasks", string.Join("; ", ComparisonMarkdown.Tasks(comparison)));
    }

    private static void AddErrors(HtmlPage page, ComparisonCharts charts)
    {
        var sizes = charts.Sizes();
        if (sizes.Count == 0) return;
        page.Heading("Error per layer").Paragraph(
            "Relative output error tr(D H Dᵀ) / tr(W H Wᵀ) of every layer, from the packed codes, with the Gram matrix of what the layer saw. "
            + "It compares recipes of one kind; between kinds of methods it does not rank as perplexity does.");
        bool first = true;
        foreach (var rows in sizes)
        {
            var figures = charts.Errors(rows);
            page.Details($"At {ComparisonCharts.Size(rows[0])}", p => p.Figures(figures, figures[0]), open: first);
            first = false;
        }
    }

    private static void AddMaps(HtmlPage page, ComparisonCharts charts)
    {
        var ranks = charts.RankMaps();
        if (ranks.Count > 0)
            page.Heading("Rank map").Paragraph("Components of each low-rank layer.").Figures(ranks);
        if (charts.SinkMap() is { } sinks)
            page.Heading("Attention sinks").Paragraph(
                "The largest norm of a calibration token at the input of a layer, divided by the median norm. Where it is large one token rules the Gram matrix.").Figure(sinks);
    }

    private static void AddSpectra(HtmlPage page, ComparisonCharts charts)
    {
        var (spectra, energy) = charts.Spectra();
        if (spectra.Count == 0) return;
        page.Heading("Spectra").Paragraph(
            "Weighted: the singular values of W Y with H = Y Yᵀ, what the layer does to calibration inputs. Plain: those of W itself. "
            + "Lines are medians over the blocks, bands reach from the least to the largest.");
        page.Heading("σ² as a share of all", 3).Figures(spectra, spectra[0]);
        page.Heading("Energy that the first components hold", 3).Figures(energy, energy[0]);
    }

    private static void AddRow(HtmlPage page, ComparisonRow row)
    {
        page.Paragraph(row.Method);
        if (row.Reason != null) page.Paragraph(row.Remark);
        if (row.Measures is { } measures)
        {
            page.Table(ComparisonTable.Kinds(measures));
            page.Figures(ComparisonCharts.RowMaps(row));
        }
        page.Verbatim(row.Recipe.ToJson());
    }
}
