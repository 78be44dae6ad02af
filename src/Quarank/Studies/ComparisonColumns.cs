using Quarank.Studies.Charts;

namespace Quarank.Studies;

/// <summary>A column of a comparison's tables: on the terminal, in Markdown and on the page alike.</summary>
/// <param name="Cell">Of a row that was measured.</param>
/// <param name="Dense">Of the dense model.</param>
public sealed record ComparisonColumn(TableColumn Head, Func<ComparisonRow, ComparisonMeasures, TableCell> Cell, TableCell Dense);

/// <summary>The columns that a comparison has: some for each of its texts, one for each of its tasks.</summary>
public static class ComparisonColumns
{
    /// <summary>A miss in size beyond this is set apart: half a per cent is what recipes are asked to keep.</summary>
    private const double Tolerance = 0.5;

    public static IReadOnlyList<ComparisonColumn> Of(Comparison comparison)
    {
        var dense = comparison.Model;
        var columns = new List<ComparisonColumn>
        {
            new(new("recipe", Words: true), (r, _) => r.Name, "dense"),
            new(new("what was done", Words: true), (r, _) => r.Method, "as it was"),
            new(new("bits per weight", "Every stored bit of the compressed layers, by their weights"),
                (_, m) => Number(m.BitsPerWeight, 3), Number(dense.BitsPerWeight, 3)),
            new(new("file", "All weight files"), (_, m) => new(NumberText.Bytes(m.FileBytes), m.FileBytes, $"{NumberText.Fixed(m.FileBytes, 0)} bytes"),
                new(NumberText.Bytes(dense.FileBytes), dense.FileBytes)),
            new(new("miss", "How far the file is from the size asked for"), (r, m) => Miss(r, m), ""),
        };
        for (int i = 0; i < comparison.Texts.Count; i++) columns.AddRange(OfText(comparison, i));
        for (int i = 0; i < comparison.Tasks.Count; i++)
            if (i == 0 || comparison.Tasks[i].Task != comparison.Tasks[i - 1].Task) columns.Add(OfTask(comparison.Tasks[i], i));
        columns.Add(new(new("error, mean", "Relative output error, mean over layers", Best.Lowest), (_, m) => Percent(m.RelativeErrorMean), ""));
        columns.Add(new(new("error, worst", "Relative output error of the worst layer", Best.Lowest), (_, m) => Percent(m.RelativeErrorWorst) with { Help = m.WorstLayer }, ""));
        if (comparison.Rows.Any(r => r.Measures?.WorseThanRounding > 0))
            columns.Add(new(new("worse than rounding", "Layers that plain rounding of no more bytes does better; in brackets those in which it stands in the method's place"),
                (_, m) => Worse(m), ""));
        columns.Add(new(new("time (s)", "Spent by the method on all layers; observing inputs is not in it", Best.Lowest), (_, m) => Number(m.SecondsCompress, 1), ""));
        columns.Add(new(new("tokens/s", "Generated one after another, as busy as the machine was", Best.Highest), (_, m) => Number(m.TokensPerSecond, 1), Number(dense.TokensPerSecond, 1)));
        columns.Add(new(new("peak memory", "While compressing", Best.Lowest),
            (_, m) => m.PeakMemoryBytes is { } peak ? new(NumberText.Bytes(peak), peak) : new("not measured"), ""));
        return columns;
    }

    private static IEnumerable<ComparisonColumn> OfText(Comparison comparison, int i)
    {
        var text = comparison.Texts[i];
        string before = comparison.Texts.Count == 1 ? "" : $"{text.Text}: ";
        yield return new(new($"{before}perplexity", "exp of the mean loss, ± its standard error", Best.Lowest),
            (_, m) => With(m.Texts[i].Perplexity, m.Texts[i].StandardError), With(text.Perplexity, text.StandardError));
        yield return new(new($"{before}Δ loss (nats)", "Mean over tokens of this model's loss minus the dense model's, ± its standard error, token by token", Best.Lowest),
            (_, m) => With(m.Texts[i].LossDifference, m.Texts[i].LossDifferenceError), "");
        yield return new(new($"{before}KL mean (nats)", "Kullback–Leibler divergence from the dense model's next-token distribution, ± standard error", Best.Lowest),
            (_, m) => With(m.Texts[i].KlMean, m.Texts[i].KlMeanError), "");
        // Of further texts these would only repeat what the first one says.
        if (i > 0) yield break;
        yield return new(new("KL 99 %", "99th percentile over tokens", Best.Lowest), (_, m) => new(NumberText.Round(m.Texts[i].Kl99), m.Texts[i].Kl99), "");
        yield return new(new("top-1 agreement", "Tokens at which both models find the same next token likeliest", Best.Highest), (_, m) => Percent(m.Texts[i].TopAgreement, 1), "");
    }

    private static ComparisonColumn OfTask(ComparedTask task, int i) => new(
        new($"{task.Task}: {task.Metric}", $"{task.Documents} questions; ± standard error", task.Metric.StartsWith("acc", StringComparison.Ordinal) ? Best.Highest : Best.Lowest),
        (_, m) => Answer(m.Tasks[i].Value, m.Tasks[i].Error) with { Help = Beside(m.Tasks[i]) }, Answer(task.Value, task.Error));

    private static TableCell Answer(double value, double? error) => new(error is { } e ? NumberText.WithError(value, e) : NumberText.Round(value), value);

    private static string? Beside(TaskMeasures task) => task.Difference is { } d
        ? $"{NumberText.WithSign(d, 4)}{(task.DifferenceError is { } e ? $" ± {NumberText.Fixed(e, 4)}" : "")} against the dense model, question by question" : null;

    private static TableCell Miss(ComparisonRow row, ComparisonMeasures m) => new(
        NumberText.WithSign(m.MissPercent, 2) + " %", m.MissPercent, $"asked for {NumberText.Fixed(row.TargetBytes, 0)} bytes",
        Math.Abs(m.MissPercent) > Tolerance);

    private static TableCell Worse(ComparisonMeasures m) =>
        new(m.Replaced > 0 ? $"{m.WorseThanRounding} ({m.Replaced})" : $"{m.WorseThanRounding}", m.WorseThanRounding);

    private static TableCell Number(double value, int decimals) => new(NumberText.Fixed(value, decimals), value);

    private static TableCell With(double value, double error) => new(NumberText.WithError(value, error), value);

    internal static TableCell Percent(double share, int decimals = 2) =>
        new(double.IsFinite(share) ? $"{NumberText.Fixed(share * 100, decimals)} %" : "broken", share);
}
