using Quarank.Studies.Charts;

namespace Quarank.Studies;

/// <summary>The tables of the HTML report.</summary>
internal static class ComparisonTable
{
    /// <summary>A miss in size beyond this is set apart: half a per cent is what recipes are asked to keep.</summary>
    private const double Tolerance = 0.5;

    private static readonly TableColumn[] Columns =
    [
        new("recipe", Words: true), new("what was done", Words: true),
        new("bits per weight", "Every stored bit of the compressed layers, by their weights"),
        new("file", "All weight files"), new("miss", "How far the file is from the size asked for"),
        new("perplexity", "exp of the mean loss, ± its standard error", Best.Lowest),
        new("Δ loss (nats)", "Mean over tokens of this model's loss minus the dense model's, ± its standard error, token by token", Best.Lowest),
        new("KL mean (nats)", "Kullback–Leibler divergence from the dense model's next-token distribution, ± standard error", Best.Lowest),
        new("KL 99 %", "99th percentile over tokens", Best.Lowest),
        new("top-1 agreement", "Tokens at which both models find the same next token likeliest", Best.Highest),
        new("error, mean", "Relative output error, mean over layers", Best.Lowest),
        new("error, worst", "Relative output error of the worst layer", Best.Lowest),
        new("time (s)", "Spent by the method on all layers; observing inputs is not in it", Best.Lowest),
        new("peak memory", "", Best.Lowest),
    ];

    public static HtmlTable Of(Comparison comparison)
    {
        var dense = comparison.Model;
        var first = new TableRow([
            new("dense"), new("as it was"), new(NumberText.Fixed(dense.BitsPerWeight, 3), dense.BitsPerWeight), new(NumberText.Bytes(dense.FileBytes), dense.FileBytes),
            new(""), With(dense.Perplexity, dense.StandardError), new("")], "dense");
        return new("Rows at one size have equal bytes, as near as each method comes.", Columns, [first, .. comparison.Rows.Select(Row)]);
    }

    private static TableRow Row(ComparisonRow row)
    {
        string group = NumberText.Fixed(row.TargetBitsPerWeight, 3);
        if (row.Measures is not { } m)
            return new([row.Name, row.Method, new(group, row.TargetBitsPerWeight), new(NumberText.Bytes(row.TargetBytes), row.TargetBytes), new(row.Refusal ?? "not measured")], group);
        string miss = (m.MissPercent > 0 ? "+" : "") + NumberText.Fixed(m.MissPercent, 2) + " %";
        return new([
            row.Name, row.Method,
            new(NumberText.Fixed(m.BitsPerWeight, 3), m.BitsPerWeight), new(NumberText.Bytes(m.FileBytes), m.FileBytes, $"{NumberText.Fixed(m.FileBytes, 0)} bytes"),
            new(miss, m.MissPercent, $"asked for {NumberText.Fixed(row.TargetBytes, 0)} bytes", Math.Abs(m.MissPercent) > Tolerance),
            With(m.Perplexity, m.StandardError), With(m.LossDifference, m.LossDifferenceError), With(m.KlMean, m.KlMeanError),
            new(NumberText.Round(m.Kl99), m.Kl99), Percent(m.TopAgreement, 1), Percent(m.RelativeErrorMean),
            Percent(m.RelativeErrorWorst) with { Help = m.WorstLayer }, new(NumberText.Fixed(m.SecondsCompress, 1), m.SecondsCompress),
            m.PeakMemoryBytes is { } peak ? new(NumberText.Bytes(peak), peak) : new("not measured"),
        ], group);
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
                new(NumberText.Fixed(bits, 3), bits), Percent(mean), Percent(worst.RelativeError), new($"{worst.Block}", worst.Block), new(NumberText.Fixed(seconds, 1), seconds),
            ]);
        })]);

    private static TableCell With(double value, double error) => new(NumberText.WithError(value, error), value);

    private static TableCell Percent(double share, int decimals = 2) =>
        new(double.IsFinite(share) ? $"{NumberText.Fixed(share * 100, decimals)} %" : "broken", share);
}
