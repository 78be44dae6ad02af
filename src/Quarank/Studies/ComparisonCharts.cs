using Quarank.Studies.Charts;

namespace Quarank.Studies;

/// <summary>The figures of the HTML report. A recipe has one colour and shape in all of them.</summary>
internal sealed class ComparisonCharts(Comparison comparison)
{
    private const int Half = 600, Small = 284;

    // So many times the dense model's perplexity, and so many nats, are a model that is lost; how far beyond does not matter, and would press together
    // what does.
    private const double LostPerplexity = 40, LostKl = 6;
    private readonly Dictionary<string, (int Tint, int Shape)> _looks = Looks([.. comparison.Rows.Select(r => r.Name).Distinct()]);

    public static string Size(ComparisonRow row) => $"{NumberText.Round(row.TargetBitsPerWeight)} bits per weight";

    /// <summary>Recipes of one method share a colour and differ in shape, as long as there are colours; no two have both alike.</summary>
    private static Dictionary<string, (int Tint, int Shape)> Looks(IReadOnlyList<string> names)
    {
        var looks = new Dictionary<string, (int Tint, int Shape)>();
        var families = names.GroupBy(n => n.Split(':', '+', ',')[0]).ToList();
        for (int f = 0; f < families.Count; f++)
            foreach (var (i, name) in families[f].Index())
            {
                var look = (Tint: f % ChartStyle.Tints, Shape: (i + f / ChartStyle.Tints) % ChartStyle.Tints);
                for (int tries = 0; looks.ContainsValue(look) && tries < ChartStyle.Tints * ChartStyle.Tints; tries++)
                    look = tries % ChartStyle.Tints == ChartStyle.Tints - 1 ? ((look.Tint + 1) % ChartStyle.Tints, look.Shape) : (look.Tint, (look.Shape + 1) % ChartStyle.Tints);
                looks.Add(name, look);
            }
        return looks;
    }

    /// <summary>Perplexity and KL of every text over the bytes of the files.</summary>
    public IReadOnlyList<Figure> Frontiers() => [.. comparison.Texts.Index().SelectMany(t => Frontiers(t.Item, t.Index))];

    private IEnumerable<Figure> Frontiers(ReferenceText text, int i)
    {
        var bytes = new Axis("weight files", Unit: AxisUnit.Bytes);
        yield return new Chart($"{text.Text}: perplexity over bytes", bytes, Upto("perplexity", LostPerplexity * text.Perplexity, m => m.Texts[i].Perplexity),
            Points(m => m.Texts[i].Perplexity, m => m.Texts[i].Perplexity * Math.Exp(-m.Texts[i].LossDifferenceError), m => m.Texts[i].Perplexity * Math.Exp(m.Texts[i].LossDifferenceError)))
        {
            Width = Half,
            Note = $"{text.Text}, lower is better; bars: one standard error, paired with the dense model",
            Guides = [new(text.Perplexity, $"dense: {NumberText.Round(text.Perplexity)}")],
        };
        yield return new Chart($"{text.Text}: divergence over bytes", bytes, Upto("mean KL from the dense model (nats)", LostKl, m => m.Texts[i].KlMean),
            Points(m => m.Texts[i].KlMean, m => m.Texts[i].KlMean - m.Texts[i].KlMeanError, m => m.Texts[i].KlMean + m.Texts[i].KlMeanError))
        {
            Width = Half,
            Note = "next-token distributions, lower is better; bars: one standard error",
        };
    }

    private Axis Upto(string title, double most, Func<ComparisonMeasures, double> value) =>
        new(title, Log: true, To: comparison.Rows.Any(r => r.Measures is { } m && double.IsFinite(value(m)) && value(m) > most)
            && comparison.Rows.Any(r => r.Measures is { } m && value(m) < most) ? most : null);

    /// <summary>The measured rows, by size.</summary>
    public IReadOnlyList<IReadOnlyList<ComparisonRow>> Sizes() =>
        [.. comparison.Rows.Where(r => r.Measures != null).GroupBy(Size).Select(g => (IReadOnlyList<ComparisonRow>)[.. g])];

    /// <summary>Error over blocks, a chart per layer kind, all with the same axes.</summary>
    public IReadOnlyList<Chart> Errors(IReadOnlyList<ComparisonRow> rows)
    {
        var errors = rows.SelectMany(r => r.Measures!.Layers).Select(l => l.RelativeError).Where(e => double.IsFinite(e) && e > 0).ToList();
        var y = errors.Count == 0 ? new Axis("relative error", Log: true, AxisUnit.Percent)
            : new Axis("relative error", Log: true, AxisUnit.Percent, errors.Min() * 0.9, errors.Max() * 1.1);
        return [.. Kinds(rows).Select(kind => new Chart(kind, new("block"), y,
            [.. rows.Select(r => Styled(r.Name, [.. r.Measures!.Layers.Where(l => l.Kind == kind)
                .Select(l => new DataPoint(l.Block, l.RelativeError, Label: null))], Look.Line))])
        {
            Width = Small, HideLegend = true, PlotHeight = 150,
        })];
    }

    /// <summary>Where ranks are; recipes that have the same in every layer share a map.</summary>
    public IReadOnlyList<HeatMap> RankMaps() =>
        [.. comparison.Rows.Where(r => r.Measures?.Layers.Any(l => l.Rank != null) == true)
            .GroupBy(r => $"{Size(r)}: {string.Join(' ', r.Measures!.Layers.Select(l => $"{l.Name}={l.Rank}"))}")
            .Select(g => RankMap(g.First(), string.Join(", ", g.Select(r => r.Name))) with { Note = Size(g.First()) })];

    /// <summary>Maps of one row: its errors, its ranks if it has any, its bits where they differ.</summary>
    public static IReadOnlyList<HeatMap> RowMaps(ComparisonRow row)
    {
        var layers = row.Measures!.Layers;
        var maps = new List<HeatMap> { Map("Error", layers, l => l.RelativeError, new("relative error", Log: true, AxisUnit.Percent)) };
        if (layers.Any(l => l.Rank != null)) maps.Add(RankMap(row, "Rank"));
        if (layers.Max(l => l.BitsPerWeight) > 1.02 * layers.Min(l => l.BitsPerWeight)) maps.Add(Map("Bits", layers, l => l.BitsPerWeight, new("bits per weight")));
        return maps;
    }

    /// <summary>The sinks that the first measured recipe saw; null when none was recorded.</summary>
    public HeatMap? SinkMap()
    {
        var row = comparison.Rows.FirstOrDefault(r => r.Measures?.Layers.Any(l => l.Sink > 0) == true);
        if (row == null) return null;
        return Map("Largest input norm over the median", row.Measures!.Layers, l => l.Sink, new("ratio of norms", Log: true)) with
        {
            Width = Half,
            Note = $"as {row.Name} at {Size(row)} saw it",
        };
    }

    /// <summary>A chart per layer kind: σ² as shares, and what the first components hold together.</summary>
    public (IReadOnlyList<Chart> Spectra, IReadOnlyList<Chart> Energy) Spectra()
    {
        var kinds = (comparison.Spectra ?? []).GroupBy(s => s.Kind).ToList();
        return (
            [.. kinds.Select(kind => SpectrumChart(kind.Key, new("component / all components", Unit: AxisUnit.Percent), new("share of Σ σ²", Log: true), kind, s => s))],
            [.. kinds.Select(kind => SpectrumChart(kind.Key, new("rank / full rank", Unit: AxisUnit.Percent, From: 0), new("energy held", Unit: AxisUnit.Percent, From: 0, To: 1), kind, Sums))]);
    }

    private static Chart SpectrumChart(
        string title, Axis x, Axis y, IEnumerable<LayerSpectrum> layers, Func<IReadOnlyList<double>, IReadOnlyList<double>> shown) =>
        new(title, x, y, [Middle("weighted", [.. layers.Select(l => shown(l.Weighted))]), Middle("plain", [.. layers.Select(l => shown(l.Plain))])])
        {
            Width = Small,
            HideLegend = true,
            PlotHeight = 150,
        };

    /// <summary>Median, least and largest over layers, at no more places than can be seen.</summary>
    private static Series Middle(string name, IReadOnlyList<IReadOnlyList<double>> layers)
    {
        int count = layers.Min(l => l.Count), step = Math.Max(1, count / 120);
        var points = new List<DataPoint>();
        for (int i = 0; i < count; i += step)
        {
            double[] values = [.. layers.Select(l => l[i]).Order()];
            points.Add(new((i + 1.0) / count, values[values.Length / 2], values[0], values[^1]));
        }
        return new(name, points, Look.Band);
    }

    private static double[] Sums(IReadOnlyList<double> shares)
    {
        double sum = 0;
        return [.. shares.Select(s => Math.Min(1, sum += s))];
    }

    private List<Series> Points(Func<ComparisonMeasures, double> value, Func<ComparisonMeasures, double> low, Func<ComparisonMeasures, double> high)
    {
        var rows = comparison.Rows.Where(r => r.Measures != null).ToList();
        var series = new List<Series> { Frontier(rows, value) };
        foreach (var recipe in rows.GroupBy(r => r.Name))
        {
            var points = recipe.OrderBy(r => r.Measures!.FileBytes).Select((r, i) => new DataPoint(r.Measures!.FileBytes, value(r.Measures!),
                low(r.Measures!), high(r.Measures!), i == 0 ? recipe.Key : null));
            series.Add(Styled(recipe.Key, [.. points], Look.LineAndPoints));
        }
        return series;
    }

    /// <summary>Rows that no other row beats in both bytes and value.</summary>
    private static Series Frontier(IEnumerable<ComparisonRow> rows, Func<ComparisonMeasures, double> value)
    {
        var best = new List<DataPoint>();
        foreach (var m in rows.Select(r => r.Measures!).Where(m => double.IsFinite(value(m))).OrderBy(m => m.FileBytes).ThenBy(value))
        {
            if (best.Count == 0 || value(m) < best[^1].Y) best.Add(new(m.FileBytes, value(m)));
        }
        return new("frontier", best, Look.Frontier);
    }

    private Series Styled(string name, IReadOnlyList<DataPoint> points, Look look)
    {
        var (tint, shape) = _looks[name];
        return new(name, points, look, tint, shape);
    }

    private static HeatMap RankMap(ComparisonRow row, string title) => Map(title, row.Measures!.Layers, l => l.Rank, new("rank"));

    private static HeatMap Map(string title, IReadOnlyList<LayerMeasure> layers, Func<LayerMeasure, double?> value, Axis scale)
    {
        var kinds = layers.Select(l => l.Kind).Distinct().ToList();
        var blocks = layers.Select(l => l.Block).Distinct().Order().ToList();
        var at = layers.ToDictionary(l => (l.Kind, l.Block));
        return new(title, kinds, [.. blocks.Select(b => NumberText.Fixed(b, 0))],
            (row, column) => at.TryGetValue((kinds[row], blocks[column]), out var layer) ? value(layer) : null, scale)
        {
            Across = "block",
            Width = Small,
        };
    }

    private static IEnumerable<string> Kinds(IReadOnlyList<ComparisonRow> rows) => rows.SelectMany(r => r.Measures!.Layers).Select(l => l.Kind).Distinct();
}
