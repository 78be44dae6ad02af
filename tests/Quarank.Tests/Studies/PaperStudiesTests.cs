using System.Text.Json;
using Quarank.Compression.Methods;
using Quarank.Pipeline;
using Quarank.Studies;
using Quarank.Studies.Paper;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Studies;

public sealed class PaperStudiesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("quarank-study-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private StudyRequest Request()
    {
        string model = Path.Combine(_folder, "model"), text = Path.Combine(_folder, "calibration.txt");
        if (!Directory.Exists(model)) TinyLlama.Write(model);
        var random = new Random(3);
        if (!File.Exists(text)) File.WriteAllText(text, string.Concat(Enumerable.Range(0, 4000).Select(_ => (char)random.Next('a', 'z' + 1))));
        return new(model, new([text]) { Samples = 12, Length = 64 }, Path.Combine(_folder, "cache"))
        {
            Texts = [("letters", string.Concat(Enumerable.Range(0, 400).Select(_ => (char)random.Next('a', 'z' + 1))))],
            Length = 64,
        };
    }

    [Fact]
    public void Rank_and_spectra_end_where_no_error_is_left()
    {
        var rank = PaperStudies.Run(StudyName.Rank, Request());
        Assert.Equal(21, rank.Layers!.Count);
        Assert.Equal(["all", "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"], rank.Curves!.Select(c => c.Kind));
        foreach (var curve in rank.Curves!)
        {
            Assert.Equal(0, curve.At(1).Weighted.Largest);
            Assert.Equal(0, curve.At(1).Plain.Largest);
            foreach (var point in curve.Points) Assert.True(point.Weighted.Mean <= point.Plain.Mean + 1e-12, $"{curve.Kind} at {point.Fraction}");
            Assert.Equal(curve.Points.Select(p => p.Weighted.Mean).OrderDescending(), curve.Points.Select(p => p.Weighted.Mean));
        }
        Assert.True(Assert.Single(rank.Claims, c => c.Source == "Proposition 1").Holds);

        var spectra = PaperStudies.Run(StudyName.Spectra, Request());
        Assert.Equal(rank.Curves!.Select(c => c.At(0.1)), spectra.Curves!.Select(c => c.At(0.1)));
        foreach (var layer in spectra.Layers!)
        {
            Assert.InRange(layer.Lordq!.Value, layer.Weighted[^1], 1);
            Assert.InRange(layer.Gptq!.Value, 1e-6, 2);
        }
    }

    [Fact]
    public void Rows_are_what_compressing_and_evaluating_give_and_are_measured_once()
    {
        var request = Request();
        var blocks = PaperStudies.Run(StudyName.Blocks, request);
        Assert.Equal(["K = 1", "K = 1, compensation", "K = 2", "K = 2, compensation", "K = 3", "K = 3, compensation", "K = 4", "K = 4, compensation"], blocks.Rows!.Select(r => r.Name));
        var compensated = blocks.Rows![3];
        var recipe = new Recipe(compensated.Method, request.Calibration) { Propagate = Propagation.Original, Fallback = false };
        var report = CompressionRun.Execute(request.Model, Path.Combine(_folder, "out"), recipe);
        Assert.Equal(report.MeanRelativeError, compensated.MeanError);
        Assert.Equal(report.BitsPerWeight, compensated.BitsPerWeight);
        Assert.Equal(report.FileBytes, compensated.FileBytes);

        string[] Rows() => [.. Directory.EnumerateFiles(request.CacheFolder).Order()];
        var (before, written) = (Rows(), Rows().Select(File.GetLastWriteTimeUtc).ToList());
        var again = PaperStudies.Run(StudyName.Blocks, request);
        Assert.Equal(blocks.ToJson(), again.ToJson());
        Assert.Equal(before, Rows());
        Assert.Equal(written, Rows().Select(File.GetLastWriteTimeUtc));
        Assert.Empty(Directory.EnumerateDirectories(request.CacheFolder, "model-*"));

        // (4, 4) at the same budget is the row that Table 3 has as K = 2 with compensation.
        var bits = PaperStudies.Run(StudyName.Bits, request with { Pairs = [(6, 4)] });
        Assert.Equal(compensated with { Name = "(4, 4)" }, bits.Rows![1] with { Scores = compensated.Scores, Method = compensated.Method });
        Assert.Equal(["(5, 5)", "(4, 4)", "(3, 4)", "(4, 3)", "(3, 3)", "(6, 4)"], bits.Rows!.Select(r => r.Name));
    }

    [Fact]
    public void A_study_stopped_between_rows_goes_on_and_ends_alike()
    {
        var request = Request();
        using var stop = new CancellationTokenSource();
        var progress = new Immediate<StudyProgress>(p =>
        {
            if (p.Detail.StartsWith("K = 2 (", StringComparison.Ordinal)) stop.Cancel();
        });
        Assert.Throws<OperationCanceledException>(() => PaperStudies.Run(StudyName.Blocks, request, progress, stop.Token));
        int rows = Directory.EnumerateFiles(request.CacheFolder, "row-*.json").Count();
        Assert.InRange(rows, 2, 3);
        var resumed = PaperStudies.Run(StudyName.Blocks, request);
        var whole = PaperStudies.Run(StudyName.Blocks, request with { CacheFolder = Path.Combine(_folder, "other") });
        Assert.Equal(Timeless(whole), Timeless(resumed));
    }

    [Fact]
    public void Methods_show_the_true_size_of_a_16_bit_factor()
    {
        var methods = PaperStudies.Run(StudyName.Methods, Request() with { Bits = [3] });
        var full = methods.Rows!.Single(r => r.Method is Lordq { QBits: 16, PBits: 3 });
        Assert.InRange(full.BitsPerWeight, 16, 25);
        Assert.False(methods.Claims.Single(c => c.Source == "Table 2").Holds);
        Assert.True(full.MeanError < methods.Rows!.Single(r => r.Name == "3 bits: LoRDQ as printed, K = 2").MeanError);
    }

    [Fact]
    public void What_cannot_be_said_is_not_said()
    {
        var study = PaperStudies.Run(StudyName.Blocks, Request() with { Texts = [] });
        Assert.All(study.Claims, c => Assert.Null(c.Holds));
        Assert.Contains("cannot be said", StudyMarkdown.Of(study));
    }

    [Fact]
    public void Judgements_follow_the_figures()
    {
        StudyRow Row(string name, params double[] perplexities) => new(name, new Lordq(), default, Scores: [.. perplexities.Select((p, i) => new StudyScore($"t{i}", p, p / 100))]);
        var judge = new Judge([Row("a", 10, 12), Row("b", 20, 11), Row("c", 150, 130), new("d", new Lordq(), default, "too small")]);
        Assert.False(judge.Below("", "", "a", "b").Holds);                // on one of two texts only
        Assert.True(judge.Below("", "", "a", "c", 10).Holds);
        Assert.False(judge.Below("", "", "b", "c", 10).Holds);
        Assert.Null(judge.Below("", "", "a", "d").Holds);
        Assert.Null(judge.Below("", "", "a", "e").Holds);
        Assert.False(judge.Best("", "", "a", ["b", "c"]).Holds);
        Assert.True(judge.Falling("", "", ["c", "b"]).Holds);
        Assert.False(judge.Falling("", "", ["c", "a", "b"]).Holds);
        Assert.True(judge.Below("", "", "a", "c", 10).Distinct);
        Assert.Equal("does not hold", judge.Falling("", "", ["c", "a", "b"]).Verdict);
        var close = new Judge([Row("a", 10), Row("b", 10.1)]);
        Assert.Equal("holds, within the noise", close.Below("", "", "a", "b").Verdict);
        Assert.Equal("does not hold, within the noise", close.Best("", "", "b", ["a"]).Verdict);
        Assert.Contains("within two standard errors", close.Below("", "", "a", "b").Found);
    }

    [Fact]
    public void Rank_correlations_are_those_of_the_ranks()
    {
        Assert.Equal(1, Correlation.OfRanks([1, 2, 3, 10], [1, 4, 9, 1000]), 12);
        Assert.Equal(-1, Correlation.OfRanks([1, 2, 3], [3, 2, 1]), 12);
        Assert.Equal(Math.Sqrt(3) / 2, Correlation.OfRanks([1, 2, 2], [1, 2, 3]), 12); // ties share a rank
        Assert.Equal(0, Correlation.OfRanks([1, 1, 1], [1, 2, 3]));
    }

    private static string Timeless(StudyResult study) => (study with { Rows = [.. study.Rows!.Select(r => r with { Seconds = 0 })], Tables = [] }).ToJson();
}
