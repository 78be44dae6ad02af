using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Evaluation;
using Quarank.Evaluation.Tasks;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Pipeline;
using Quarank.Studies;
using Quarank.Tests.Support;
using Quarank.Tokenizers;
using Xunit;

namespace Quarank.Tests.Studies;

public sealed class ComparisonRunTests : IDisposable
{
    private const int Length = 48;
    private readonly string _folder = Directory.CreateTempSubdirectory("quarank-compare-").FullName;
    private readonly string _model, _text;

    public ComparisonRunTests()
    {
        _model = TinyLlama.Write(Path.Combine(_folder, "tiny"));
        var random = new Random(3);
        string Words(int count) => string.Join(' ', Enumerable.Range(0, count).Select(_ => (string[])["one", "two", "sea", "tree", "low"]).Select(w => w[random.Next(5)]));
        _text = Words(60);
        File.WriteAllText(Path.Combine(_folder, "calibration.txt"), Words(200));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Work => Path.Combine(_folder, "out", "work");

    private ComparisonRequest Request(string recipes, params double[] bits) => new(
        _model, RecipeShorthand.Parse([recipes], null), [.. bits.Select(b => new ComparisonSize(b))],
        new([Path.Combine(_folder, "calibration.txt")]) { Samples = 6, Length = Length }, [new("text.txt", _text)], Path.Combine(_folder, "out"))
    { Length = Length };

    [Fact]
    public void Every_recipe_stands_at_every_size_with_the_bytes_that_its_files_have()
    {
        var comparison = ComparisonRun.Execute(Request("gptq:clip,lordq", 7, 6) with { Keep = true });
        Assert.Equal([("gptq:clip", 6), ("lordq", 6), ("gptq:clip", 7), ("lordq", 7)], comparison.Rows.Select(r => (r.Name, r.TargetBitsPerWeight)));
        var models = Directory.EnumerateDirectories(Work, "model-*").ToDictionary(m => CompressionReport.TryLoad(m)!.BitsPerWeight);
        foreach (var row in comparison.Rows)
        {
            var m = row.Measures!;
            Assert.Equal(RowState.Measured, row.State);
            Assert.InRange(m.MissPercent, -6, 2);   // so small a model has few sizes: one component more is 2 % of its file
            Assert.Equal(Directory.EnumerateFiles(models[m.BitsPerWeight], "*.safetensors").Sum(f => new FileInfo(f).Length), m.FileBytes);
            Assert.Equal(100.0 * (m.FileBytes - row.TargetBytes) / row.TargetBytes, m.MissPercent, 1e-9);
            Assert.Equal(7 * TinyLlama.Blocks, m.Layers.Count);
            Assert.Equal(m.Layers.Max(l => l.RelativeError), m.RelativeErrorWorst);
            Assert.Equal(m.RelativeErrorWorst, m.Layers.Single(l => l.Name == m.WorstLayer).RelativeError);
            Assert.Equal(row.Name == "lordq", m.Layers.All(l => l.Rank > 0));
            Assert.All(m.Layers, l => Assert.Contains($".{l.Block}.", l.Name));
            Assert.InRange(m.PeakMemoryBytes!.Value, 10L << 20, 100L << 30);
        }
        // More bytes, less error.
        Assert.True(comparison.Rows[3].Measures!.RelativeErrorMean < comparison.Rows[1].Measures!.RelativeErrorMean);
    }

    [Fact]
    public void Divergences_are_those_of_the_two_models_alone()
    {
        var comparison = ComparisonRun.Execute(Request("lordq", 4.2) with { Keep = true });
        using var dense = Checkpoint.Open(_model);
        using var made = Checkpoint.Open(Directory.EnumerateDirectories(Work, "model-*").Single());
        int[] ids = Tokenizer.Load(dense.Directory).Encode(_text);
        var direct = Divergence.OfSegments(
            Predictor.Of(Model.Load(dense), ids, Length), Predictor.Of(Model.Load(made), ids, Length), ids, Length);
        var m = comparison.Rows.Single().Measures!.Texts.Single();
        Assert.Equal((direct.Model.Perplexity, direct.Model.StandardError), (m.Perplexity, m.StandardError));
        Assert.Equal((direct.LossDifference, direct.LossDifferenceError), (m.LossDifference, m.LossDifferenceError));
        Assert.Equal((direct.KlMean, direct.KlMeanError, direct.Kl99, direct.TopAgreement), (m.KlMean, m.KlMeanError, m.Kl99, m.TopAgreement));
        Assert.InRange(m.KlMean, 1e-6, 10);
        Assert.Equal(direct.Dense.Perplexity, comparison.Texts[0].Perplexity, 1e-5 * direct.Dense.Perplexity);
        Assert.Equal((direct.Dense.Tokens, direct.Dense.Segments), (comparison.Texts[0].Tokens, comparison.Texts[0].Segments));
    }

    [Fact]
    public void Shared_statistics_give_the_models_that_runs_of_their_own_give()
    {
        var request = Request("gptq:clip,weights=unit,lordq:weights=none", 4.2) with { Keep = true, Propagate = Propagation.Original };
        var comparison = ComparisonRun.Execute(request);
        var kept = Directory.EnumerateDirectories(Work, "model-*").Select(m => CompressionReport.TryLoad(m)!).ToList();
        foreach (var row in comparison.Rows)
        {
            var alone = CompressionRun.Execute(_model, Path.Combine(_folder, row.Method), row.Recipe);
            Assert.Equal(alone.Files["model.safetensors"], kept.Single(k => k.Run == alone.Run).Files["model.safetensors"]);
        }
        Assert.NotEmpty(Directory.EnumerateFiles(Directory.EnumerateDirectories(Work, "statistics-*").Single()));
    }

    [Fact]
    public void What_was_measured_once_is_not_measured_again()
    {
        var first = ComparisonRun.Execute(Request("gptq:clip,lordq", 4.2));
        Assert.Empty(Directory.EnumerateDirectories(Work, "model-*"));
        var again = ComparisonRun.Execute(Request("gptq:clip,lordq", 4.2));
        Assert.Equal(first.ToJson(), again.ToJson());   // the seconds among it

        var more = ComparisonRun.Execute(Request("gptq:clip,lordq,lordq:k=1", 4.2));
        Assert.Equal(first.Rows.Select(r => r.Measures!.SecondsRun), more.Rows.Take(2).Select(r => r.Measures!.SecondsRun));
        var fresh = ComparisonRun.Execute(Request("lordq", 4.2) with { Fresh = true });
        Assert.NotEqual(first.Rows[1].Measures!.SecondsEvaluate, fresh.Rows[0].Measures!.SecondsEvaluate);
        Assert.Equal(first.Rows[1].Measures!.Texts[0].KlMean, fresh.Rows[0].Measures!.Texts[0].KlMean);
        // Another text is another question.
        var other = ComparisonRun.Execute(Request("lordq", 4.2) with { Texts = [new("text.txt", _text[10..])] });
        Assert.NotEqual(first.Rows[1].Measures!.Texts[0].KlMean, other.Rows[0].Measures!.Texts[0].KlMean);
    }

    [Fact]
    public void A_further_text_or_task_costs_only_itself_and_pieces_join_to_the_whole_table()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "piqa"));
        File.WriteAllLines(Path.Combine(_folder, "piqa", "validation.jsonl"), Enumerable.Range(0, 6)
            .Select(i => $$"""{"goal":"one tree","sol1":"low sea","sol2":"tree {{i}}","label":{{i % 2}}}"""));
        var full = Request("rtn,gptq:clip,lordq", 6, 7) with
        {
            Keep = true,
            Texts = [new("A", _text), new("B", _text[30..])],
            Tasks = PreparedTask.Read(TaskTable.Find("piqa"), new(_folder)),
        };
        var first = ComparisonRun.Execute(full with { Only = ["gptq:clip"], OnlySizes = [7], Texts = [full.Texts[0]], Tasks = [] });
        Assert.Equal([RowState.Waiting, RowState.Waiting, RowState.Waiting, RowState.Waiting, RowState.Measured, RowState.Waiting], first.Rows.Select(r => r.State));

        // The model that was kept is measured on what is new, and not made again.
        string made = Directory.EnumerateFiles(Work, "made-*").Single();
        string before = File.ReadAllText(made);
        var second = ComparisonRun.Execute(full with { Only = ["gptq:clip"] });
        Assert.Equal([RowState.Waiting, RowState.Measured, RowState.Waiting, RowState.Waiting, RowState.Measured, RowState.Waiting], second.Rows.Select(r => r.State));
        Assert.Equal(before, File.ReadAllText(made));
        Assert.Equal(first.Rows[4].Measures!.Texts[0], second.Rows[4].Measures!.Texts[0]);
        Assert.NotEqual(second.Rows[4].Measures!.Texts[0].KlMean, second.Rows[4].Measures!.Texts[1].KlMean);

        var whole = ComparisonRun.Execute(full);
        Assert.All(whole.Rows, r => Assert.Equal(RowState.Measured, r.State));
        Assert.Equal(second.Rows[1].Measures!.Texts, whole.Rows[1].Measures!.Texts);
        Assert.Equal(second.Rows[1].Measures!.Tasks, whole.Rows[1].Measures!.Tasks);
        var answers = whole.Rows[0].Measures!.Tasks;
        Assert.Equal(["acc", "acc_norm"], answers.Select(t => t.Metric));
        Assert.All(answers.Zip(whole.Tasks), a => Assert.Equal(a.First.Value - a.Second.Value, a.First.Difference!.Value, 1e-12));
        Assert.All(whole.Rows, r => Assert.True(r.Measures!.TokensPerSecond > 0));
        Assert.Contains("'magic' is none of the recipes", Assert.Throws<InvalidDataException>(() => ComparisonRun.Execute(full with { Only = ["magic"] })).Message);
        Assert.Contains("5 is none of the sizes", Assert.Throws<InvalidDataException>(() => ComparisonRun.Execute(full with { OnlySizes = [5] })).Message);
    }

    [Fact]
    public void A_forecast_says_what_is_left_and_does_nothing()
    {
        var request = Request("rtn", 6, 10.7) with { Recipes = [.. RecipeShorthand.Parse(["rtn,gptq:clip"], null), new("again", RecipeShorthand.One("gptq:clip", null).Recipe)] };
        var before = ComparisonRun.Forecast(request);
        Assert.False(Directory.Exists(Work));
        Assert.Equal(["compress, text.txt, speed", "compress, text.txt, speed", "as gptq:clip at 6 bits"], before.Rows.Take(3).Select(r => r.Left));
        Assert.All(before.Rows.Skip(3), r => Assert.StartsWith("not at this size", r.Left));
        Assert.True(before.SecondsBefore > 0 && before.Seconds > before.Rows.Sum(r => r.Seconds));

        var measured = ComparisonRun.Execute(request with { Only = ["rtn"] }).Rows[0].Measures!;
        var after = ComparisonRun.Forecast(request);
        Assert.Equal(["measured", "compress, text.txt, speed", "as gptq:clip at 6 bits"], after.Rows.Take(3).Select(r => r.Left));
        Assert.Equal((0, "both"), (after.Rows[0].Seconds, after.Rows[1].Basis));
        Assert.True(after.Rows[1].Seconds > measured.Texts[0].Seconds);
        Assert.Equal(0, after.SecondsBefore);
        var only = ComparisonRun.Forecast(request with { Only = ["rtn"], Texts = [.. request.Texts, new("more", _text[30..])] });
        Assert.Equal(["compress, more", "not asked for", "not asked for"], only.Rows.Take(3).Select(r => r.Left));
        ComparisonRun.Execute(request);
        Assert.Equal(0, ComparisonRun.Forecast(request).Seconds);
    }

    // A piece's report is that of the whole table, with what is not there yet by name.
    [Fact]
    public void A_piece_writes_the_whole_table_with_places_for_what_is_left()
    {
        var request = Request("rtn,gptq:clip", 6, 7);
        ComparisonFiles.Write(ComparisonRun.Execute(request with { Only = ["gptq:clip"], OnlySizes = [7] }), request.OutFolder);
        string markdown = File.ReadAllText(Path.Combine(request.OutFolder, ComparisonMarkdown.FileName));
        Assert.Contains("| rtn | not yet | not yet |", markdown, StringComparison.Ordinal);
        Assert.Matches(@"\| gptq:clip \| not yet \| [0-9.,]+ \|", markdown);
        Assert.Contains("| rtn | not measured yet: not among the pieces that were asked for |", markdown, StringComparison.Ordinal);
        ComparisonFiles.Write(ComparisonRun.Execute(request with { Only = ["rtn"] }), request.OutFolder);
        string more = File.ReadAllText(Path.Combine(request.OutFolder, ComparisonMarkdown.FileName));
        Assert.Matches(@"\| rtn \| [0-9.,]+ \| [0-9.,]+ \|", more);
        Assert.Matches(@"\| gptq:clip \| not yet \| [0-9.,]+ \|", more);
        Assert.Contains("not yet", File.ReadAllText(Path.Combine(request.OutFolder, HtmlReport.FileName)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_that_fails_tells_why_and_leaves_the_others_their_figures()
    {
        // What an earlier attempt left for one row belongs to another recipe.
        using var stop = new CancellationTokenSource();
        var other = Request("rtn", 6) with { OutFolder = Path.Combine(_folder, "other") };
        Assert.ThrowsAny<OperationCanceledException>(() => ComparisonRun.Execute(other, new Tell(p =>
        {
            if (p.Doing.StartsWith("rtn at 6 bits, block 3", StringComparison.Ordinal)) stop.Cancel();
        }), stop.Token));
        ComparisonRun.Execute(Request("lordq", 6) with { Keep = true });
        string model = Directory.EnumerateDirectories(Work, "model-*").Single();
        Directory.Delete(model, recursive: true);
        foreach (string file in Directory.EnumerateFiles(Work, "made-*")) File.Delete(file);
        Directory.Move(Directory.EnumerateDirectories(Path.Combine(other.OutFolder, "work"), "model-*.run").Single(), model + ".run");

        var comparison = ComparisonRun.Execute(Request("gptq,lordq,rtn", 6));
        Assert.Equal([RowState.Measured, RowState.Failed, RowState.Measured], comparison.Rows.Select(r => r.State));
        Assert.StartsWith("failed: ", comparison.Rows[1].Remark);
        Assert.Contains("the recipe", comparison.Rows[1].Reason);
        // Mended, it is tried again.
        Directory.Delete(model + ".run", recursive: true);
        Assert.All(ComparisonRun.Execute(Request("gptq,lordq,rtn", 6)).Rows, r => Assert.Equal(RowState.Measured, r.State));
    }

    [Fact]
    public void The_best_recipe_of_each_size_is_what_its_shorthand_gives_and_is_measured_once()
    {
        string recipe = Presets.At(6).Recipe;
        var comparison = ComparisonRun.Execute(Request($"best,{recipe}", 6));
        Assert.Equal(comparison.Rows[1].Method, comparison.Rows[0].Method);
        Assert.Equal(comparison.Rows[1].Measures!.Texts, comparison.Rows[0].Measures!.Texts);
        Assert.Single(Directory.EnumerateFiles(Work, "made-*"));
        var none = ComparisonRun.Execute(Request("best,lordq", 9.5));
        Assert.Equal(RowState.Unreachable, none.Rows[0].State);
    }

    [Theory]
    [InlineData("lordq at 4.2 bits, block 3")]
    [InlineData("lordq at 4.2 bits, text.txt, segment 2")]
    public void A_stopped_comparison_goes_on_where_it_was(string at)
    {
        var whole = ComparisonRun.Execute(Request("gptq:clip,lordq", 4.2) with { OutFolder = Path.Combine(_folder, "whole") });
        using var stop = new CancellationTokenSource();
        var rows = new List<ComparisonRow>();
        var request = Request("gptq:clip,lordq", 4.2);
        Assert.ThrowsAny<OperationCanceledException>(() => ComparisonRun.Execute(request, new Tell(p =>
        {
            if (p.Finished is { } row) rows.Add(row);
            if (p.Doing.StartsWith(at, StringComparison.Ordinal)) stop.Cancel();
        }), stop.Token));
        Assert.Single(rows);
        Assert.NotEmpty(Directory.EnumerateDirectories(Work, "model-*"));

        var fractions = new List<double>();
        var resumed = ComparisonRun.Execute(request, new Tell(p => fractions.Add(p.Fraction)));
        Assert.Equal(rows[0].Measures!.SecondsRun, resumed.Rows[0].Measures!.SecondsRun);
        Assert.Equal(whole.Rows.Select(r => r.Measures!.Texts[0].KlMean), resumed.Rows.Select(r => r.Measures!.Texts[0].KlMean));
        Assert.Equal(fractions.Order(), fractions);
        Assert.InRange(fractions[^1], 0.9, 1);
        Assert.Empty(Directory.EnumerateDirectories(Work, "model-*"));
    }

    [Fact]
    public void A_recipe_that_cannot_have_a_size_stays_in_the_table_with_the_reason()
    {
        var comparison = ComparisonRun.Execute(Request("gptq,lordq", 10.7));
        Assert.Contains("the nearest it can have is", comparison.Rows[0].Remark);
        Assert.Null(comparison.Rows[0].Measures);
        Assert.NotNull(comparison.Rows[1].Measures);

        var tooSmall = ComparisonRun.Execute(Request("gptq,lordq") with { Sizes = [new(Bytes: 1000)] });
        Assert.All(tooSmall.Rows, r => Assert.Contains("stay as they are", r.Remark));
    }

    [Fact]
    public void Sizes_in_bytes_and_sizes_like_a_recipe_are_the_same_sizes()
    {
        var like = RecipeShorthand.One("gptq:bits=6,group=16", null);
        var comparison = ComparisonRun.Execute(Request("gptq:bits=6,group=16,lordq") with { Sizes = [new(Like: like)] });
        // As written it has the size, so it stays: nothing is left but the header's guess.
        Assert.Equal((6, 16), (Grid(comparison.Rows[0]).Bits, Grid(comparison.Rows[0]).GroupSize));
        Assert.Equal(comparison.Rows[0].TargetBitsPerWeight, comparison.Rows[0].Measures!.BitsPerWeight, 1e-9);
        Assert.All(comparison.Rows, r => Assert.InRange(r.Measures!.MissPercent, -6, 2));

        var bytes = ComparisonRun.Execute(Request("lordq") with { Sizes = [new(Bytes: comparison.Rows[1].TargetBytes)] });
        Assert.Equal(comparison.Rows[1].Measures!.FileBytes, bytes.Rows[0].Measures!.FileBytes);
        Assert.Equal(comparison.Rows[1].TargetBytes, bytes.Rows[0].TargetBytes);

        static GridFormat Grid(ComparisonRow row) => ((Gptq)row.Recipe.Method).Grid;
    }

    [Fact]
    public void A_comparison_survives_its_files()
    {
        var comparison = ComparisonRun.Execute(Request("gptq,lordq", 10.7) with { Spectra = true });
        string folder = Path.Combine(_folder, "files");
        ComparisonFiles.Write(comparison, folder);
        Assert.Equal(comparison.ToJson(), Comparison.Load(Path.Combine(folder, Comparison.FileName)).ToJson());
        string markdown = File.ReadAllText(Path.Combine(folder, ComparisonMarkdown.FileName));
        Assert.Contains($"| lordq | {comparison.Rows[1].Method} | ", markdown);
        Assert.Contains("| gptq | not at this size: the nearest", markdown);
        Assert.True(File.Exists(Path.Combine(folder, HtmlReport.FileName)));
        Assert.Equal(7 * TinyLlama.Blocks, comparison.Spectra!.Count);
        Assert.All(comparison.Spectra, s => Assert.Equal(1, s.Weighted.Sum(), 1e-4));

        File.WriteAllText(Path.Combine(folder, Comparison.FileName), "{}");
        Assert.Contains("no comparison", Assert.Throws<InvalidDataException>(() => Comparison.Load(Path.Combine(folder, Comparison.FileName))).Message);
    }

    [Fact]
    public void Methods_come_as_near_to_a_size_as_they_can_and_hardly_above_it()
    {
        LayerShape[] layers = [new("a", 192, 576), new("b", 1536, 576), new("c", 576, 1536)];
        double weights = layers.Sum(l => (double)l.Rows * l.Columns);
        foreach (string word in new[] { "rtn", "gptq:clip", "gptq:symmetric", "lordq", "lordq:pBits=3" })
            foreach (double bits in new[] { 2.1, 2.5, 3.1, 3.3, 4.1, 4.25 })
            {
                var method = RecipeShorthand.One(word, null).Recipe.Method.AtBitsPerWeight(bits, layers);
                double size = layers.Sum(l => (double)method!.Fit(layers).PlannedBits(l)) / weights;
                Assert.InRange(size / bits, 0.96, 1.005);
            }
        foreach (var inner in new[] { "gptq", "lordq" })
        {
            // What is kept exact is paid for once, whether the inner method has a budget or a grid.
            var method = new Exact(RecipeShorthand.One(inner, null).Recipe.Method, Directions: 4).AtBitsPerWeight(3.3, layers);
            Assert.InRange(layers.Sum(l => (double)method!.Fit(layers).PlannedBits(l)) / weights / 3.3, 0.96, 1.005);
        }
        Assert.Null(RecipeShorthand.One("gptq", null).Recipe.Method.AtBitsPerWeight(1.9, layers));
        Assert.Null(RecipeShorthand.One("lordq", null).Recipe.Method.AtBitsPerWeight(0.001, layers));
    }

    private sealed class Tell(Action<ComparisonProgress> tell) : IProgress<ComparisonProgress>
    {
        public void Report(ComparisonProgress value) => tell(value);
    }
}
