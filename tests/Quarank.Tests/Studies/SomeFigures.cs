using Quarank.Studies.Charts;

namespace Quarank.Tests.Studies;

/// <summary>Figures of all kinds, the easy and the awkward.</summary>
internal static class SomeFigures
{
    private static readonly double[] Fractions = [.. Enumerable.Range(1, 60).Select(i => i / 60.0)];

    public static readonly IReadOnlyDictionary<string, Figure> All = new Dictionary<string, Figure>
    {
        ["lines"] = new Chart("Relative output error over rank", new("rank / full rank", Unit: AxisUnit.Percent, From: 0), new("error", Unit: AxisUnit.Percent),
            [.. Enumerable.Range(0, 8).Select(k => Series.Of($"variant {k}", Fractions, Fractions.Select(v => Math.Exp(-(2 + k * 0.5) * v))))])
        {
            Note = "mean over 210 layers",
            Guides = [new(0.1, "10 % of the ranks", Vertical: true), new(0.25, "a quarter")],
        },
        ["one point"] = new Chart("One", new("rank"), new("perplexity", Log: true), [new("only", [new(3, 20, 18, 22, "here")], Look.Points)]) { Width = 300 },
        ["no point"] = new Chart("None", new("rank"), new("perplexity", Log: true), []),
        ["holes"] = new Chart("Holes", new("rank", Log: true), new("loss", Log: true),
            [
                new("a", [new(1, 1e-9), new(10, 0), new(100, double.NaN), new(1000, 1e9), new(1e4, 3)]),
                new("b", [new(1, 2), new(double.PositiveInfinity, 5), new(100, 1e12), new(1e5, double.NegativeInfinity)], Look.Line),
            ])
        { Width = 420 },
        ["only broken"] = new Chart("All broken", new("rank"), new("loss"), [new("a", [new(1, double.NaN), new(2, double.PositiveInfinity)])]),
        ["limits"] = new Chart("Limits", new("bits", From: 2, To: 4), new("loss", From: 0, To: 1), [new("a", [new(1, 0.5), new(3, 7), new(3, 0.2), new(5, -2)])]),
        ["labels"] = new Chart("Labels", new("file", Unit: AxisUnit.Bytes), new("perplexity", Log: true),
            [.. Enumerable.Range(0, 20).Select(i => new Series($"recipe number {i}, with options",
                [.. Enumerable.Range(0, 3).Select(j => new DataPoint(8e7 + 1e7 * j + 1e5 * i, 20 + Math.Exp(8 - 3 * j + 0.1 * i), 19, 1e6, $"recipe {i}"))]))]),
        ["many points"] = new Chart("Cloud", new("x"), new("y"),
            [new("cloud", [.. Enumerable.Range(0, 3000).Select(i => new DataPoint(Math.Sin(i * 12.9898) * 40, Math.Sin(i * 78.233) * 1e-7))], Look.Points)]),
        ["bands"] = new Chart("Spectrum", new("component"), new("σ² / Σσ²", Log: true),
            [new("median", [.. Enumerable.Range(1, 576).Select(i => new DataPoint(i, Math.Pow(i, -1.5), Math.Pow(i, -1.5) / 3, Math.Pow(i, -1.4)))], Look.Band)]),
        ["bars"] = new BarChart("Perplexity by components", new("perplexity", Log: true), ["K = 1", "K = 2, a long name of a group", "K = 3"],
            [new("compensation", [20773, 2889, 2058]), new("none", [31790, 2612, double.NaN], [2000, 100, 0])])
        { GroupsTitle = "components", Guides = [new(19.2, "dense")] },
        ["linear bars"] = new BarChart("Loss", new("Δ loss (nats)"), [.. Enumerable.Range(0, 14).Select(i => $"group {i}")],
            [new("a", [.. Enumerable.Range(-7, 14).Select(i => i * 0.013)])])
        { Width = 344 },
        ["map"] = new HeatMap("Rank", ["q_proj", "k_proj", "down_proj"], [.. Enumerable.Range(0, 80).Select(b => $"{b}")],
            (row, column) => column == 7 ? null : column == 9 ? double.NaN : row * 100 + column, new("rank"))
        { Across = "block", Width = 344 },
        ["logarithmic map"] = new HeatMap("Sinks", ["q_proj"], ["0", "1", "2"], (_, column) => Math.Pow(10, column), new("ratio", Log: true)),
        ["panels"] = new Panels("Energy", [.. "qkvo".Select(n => new Chart($"{n}_proj", new("rank"), new("share", Unit: AxisUnit.Percent),
            [Series.Of("weighted", Fractions.Select(Math.Sqrt)), Series.Of("plain", Fractions)]))])
        { Width = 700 },
        ["hostile"] = new Chart("<script>alert('&')</script> \u0001\ud800 \"quoted\"", new("a < b & c"), new("]]>"),
            [new("</svg><b onload=\"x\">", [new(1, 1, Label: "<i>"), new(2, 2, Label: "'\"")]), new("", [new(1, 2)])])
        { Note = "<!-- & -->", Guides = [new(1.5, "<guide>")] },
        ["long words"] = new Chart(string.Join(' ', Enumerable.Repeat("incomprehensibility", 12)), new(string.Join(' ', Enumerable.Repeat("abscissa", 30))),
            new(new string('y', 200)), [new(new string('n', 300), [new(1, 1e-30), new(1e30, 1)])])
        { Width = 240, Note = new string('m', 150) },
    };
}
