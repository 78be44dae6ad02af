using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Evaluation;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Pipeline;
using Quarank.Studies;
using Quarank.Studies.Allocation;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Studies;

public sealed class AllocatorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _model;
    private readonly AllocationRecipe _asked;

    public AllocatorTests()
    {
        _model = TinyLlama.Write(_folder["model"]);
        File.WriteAllText(_folder["text.txt"], string.Concat(Enumerable.Range(0, 400).Select(i => $"{i * i} hens, ")));
        Method[] choices = [new RoundToNearest(new GridFormat(2)), new Gptq(new GridFormat(3, 16)), new Gptq(new GridFormat(5)), new Lordq(3)];
        _asked = new(choices, 3.5, new([_folder["text.txt"]]) { Samples = 4, Length = 40 })
        {
            Probes = new(2, 24, ProbeRule.All),
        };
    }

    public void Dispose() => _folder.Dispose();

    private Allocation Run(AllocationRecipe asked, string work, IProgress<AllocationProgress>? progress = null, CancellationToken token = default) =>
        Allocator.Run(_model, asked, new AllocationOptions(_folder[work]), progress, token);

    [Theory]
    [InlineData(LossMeasure.Kl, ProbeRule.All)]
    [InlineData(LossMeasure.Kl, ProbeRule.Kinds)]
    [InlineData(LossMeasure.Loss, ProbeRule.Kinds)]
    public void The_budget_holds_and_no_uniform_choice_within_it_is_better(LossMeasure sensitivity, ProbeRule rule)
    {
        foreach (double bits in new[] { 2.8, 3.5, 4.2, 9 })
        {
            var asked = _asked with { BitsPerWeight = bits, Sensitivity = sensitivity, Probes = _asked.Probes with { Measure = rule } };
            var found = Run(asked, "work");
            Assert.InRange(found.BitsPerWeight, 0.1, bits);
            Assert.True(found.Layers.Sum(l => l.Bits) <= found.BudgetBits);
            var allocated = found.Measured.Single(m => m.Name == "allocated");
            foreach (var choice in found.Choices.Where(c => c.Fits))
            {
                Assert.True(allocated.Predicted <= choice.Predicted * (1 + 1e-12));
                Assert.Contains(found.Measured, m => m.Name == choice.Name && m.BitsPerWeight == choice.BitsPerWeight);
            }
            Assert.Equal(found.Measured.Min(m => m.Kl), found.Measured[0].Kl);
            Assert.Equal(found.Kept, found.Measured[0].Name);
            Assert.Equal(found.Measured[0].BitsPerWeight, found.BitsPerWeight, 12);
            Assert.True(found.Frontier.Zip(found.Frontier.Skip(1)).All(p => p.First.Predicted >= p.Second.Predicted));
            Assert.Equal(found.Layers.Count, found.Choices.Sum(c => c.Layers));
        }
    }

    [Fact]
    public void The_recipe_gives_the_model_that_was_measured()
    {
        var found = Run(_asked with { Propagate = Propagation.Original }, "work");
        var recipe = Recipe.Parse(found.Recipe.ToJson(), "again");
        var report = CompressionRun.Execute(_model, _folder["out"], recipe);
        Assert.Equal(found.Layers.Select(l => (l.Name, l.Bits)), report.Layers.Select(l => (l.Name, l.Bits)));
        Assert.Equal(found.BitsPerWeight, report.BitsPerWeight, 12);
        foreach (var (planned, done) in found.Layers.Zip(report.Layers)) Assert.Equal(planned.Error, done.RelativeError, 12);

        using var dense = Checkpoint.Open(_model);
        using var compressed = Checkpoint.Open(_folder["out"]);
        var tokens = CalibrationSet.Read(_asked.Calibration, Quarank.Tokenizers.Tokenizer.Load(_model));
        int[] ids = [.. tokens.Sequences.Take(2).SelectMany(s => s[..24])];
        var measured = Divergence.OfSegments(Predictor.Of(Model.Load(dense), ids, 24), Predictor.Of(Model.Load(compressed), ids, 24), ids, 24);
        // The run stores layers as codes, the probe multiplied by what they decode to: floats rounded in another order.
        Assert.Equal(measured.KlMean, found.Measured[0].Kl, 1e-4 * measured.KlMean + 1e-6);
        Assert.Equal(measured.Dense.Perplexity, found.DensePerplexity, 1e-4 * found.DensePerplexity);
    }

    [Fact]
    public void The_harm_of_a_layer_is_the_divergence_of_the_model_with_that_layer_alone_changed()
    {
        var found = Run(_asked with { Choices = [_asked.Choices[0]], BitsPerWeight = 3 }, "work");
        using var dense = Checkpoint.Open(_model);
        var tokens = CalibrationSet.Read(_asked.Calibration, Quarank.Tokenizers.Tokenizer.Load(_model));
        int[] ids = [.. tokens.Sequences.Take(2).SelectMany(s => s[..24])];
        foreach (var layer in found.Layers)
        {
            var changed = Model.Load(dense);
            var place = changed.Blocks.SelectMany(b => b.Projections).Single(p => p.Name == layer.Name);
            var weight = place.Weight.ToDense();
            var problem = new LayerProblem(layer.Name, weight, new(1, new Quarank.Numerics.Matrix<double>(weight.Columns, weight.Columns)));
            place.Weight = _asked.Choices[0].Compress(problem);
            var measured = Divergence.OfSegments(Predictor.Of(Model.Load(dense), ids, 24), Predictor.Of(changed, ids, 24), ids, 24);
            Assert.Equal(measured.KlMean, layer.Predicted, 1e-3 * measured.KlMean + 1e-6);
            Assert.True(layer.Predicted > 0);
        }
    }

    [Fact]
    public void Stopped_anywhere_it_goes_on_and_finds_the_same()
    {
        string whole = Run(_asked, "whole").ToJson();
        for (int stopAt = 1; ; stopAt += 7)
        {
            using var stop = new CancellationTokenSource();
            int seen = 0;
            try
            {
                Run(_asked, $"stopped-{stopAt}", new Listener<AllocationProgress>(_ => { if (++seen == stopAt) stop.Cancel(); }), stop.Token);
                Assert.True(stopAt > 20, "it must have been stopped a few times");
                return;
            }
            catch (OperationCanceledException)
            {
                Assert.Equal(whole, Run(_asked, $"stopped-{stopAt}").ToJson());
            }
        }
    }

    [Fact]
    public void Water_filled_ranks_keep_the_budget_and_lose_less_than_uniform_ones()
    {
        var calibration = _asked.Calibration;
        var uniform = CompressionRun.Execute(_model, _folder["uniform"], new(new Lordq(4), calibration) { Propagate = Propagation.Original, Fallback = false });
        var filled = CompressionRun.Execute(_model, _folder["filled"],
            new(new Lordq(4, Ranks: RankRule.WaterFilling), calibration) { Propagate = Propagation.Original, Fallback = false });
        Assert.InRange(filled.BitsPerWeight, uniform.BitsPerWeight * 0.99, 4);
        Assert.True(filled.MeanRelativeError < uniform.MeanRelativeError);
        Assert.Equal(filled.Layers.Count, filled.Recipe.Layers!.Count);
        Assert.True(filled.Layers.Select(l => ((ProductFormat)l.Form).Rank).Distinct().Count() > 2);
        Assert.Equal([_folder["filled"], _folder["model"], _folder["uniform"]],
            Directory.EnumerateDirectories(Path.GetDirectoryName(_model)!).Order(StringComparer.Ordinal));

        var found = Run(_asked with { Choices = [new Lordq(4), new Lordq(4, Ranks: RankRule.WaterFilling)], BitsPerWeight = 4 }, "work");
        Assert.Equal(["lordq 4 bits", "lordq 4 bits water-filled", "lordq 4 bits water-filled, sensitivity"], found.Choices.Select(c => c.Name));
        Assert.All(found.Choices, c => Assert.True(c.Fits));
    }

    [Fact]
    public void What_cannot_be_is_refused_in_one_line()
    {
        (AllocationRecipe Asked, string Says)[] cases =
        [
            (_asked with { BitsPerWeight = 1.5 }, "the cheapest choice in every layer takes 2."),
            (_asked with { BitsPerWeight = -1 }, "A budget lies above 0"),
            (_asked with { Choices = [] }, "at least one choice"),
            (_asked with { Choices = [_asked.Choices[0], _asked.Choices[0]] }, "the same method"),
            (_asked with { Choices = [new Gptq(new GridFormat(9))] }, "2 to 8 bits"),
            (_asked with { Probes = new(5, 24) }, "5 x 24 probe tokens are not in 4 x 40"),
            (_asked with { Probes = new(0, 24) }, "at least one sequence"),
        ];
        foreach (var (asked, says) in cases)
        {
            string message = Assert.Throws<InvalidDataException>(() => Run(asked, "work")).Message;
            Assert.Contains(says, message);
            Assert.DoesNotContain('\n', message);
        }
    }

    [Fact]
    public void Written_and_read_again_the_request_is_the_same()
    {
        string json = _asked.ToJson();
        Assert.Equal(json, AllocationRecipe.Parse(json, "again").ToJson());
        Assert.Contains("key 'choices[1].grid.bitz' is not known", Assert.Throws<InvalidDataException>(() => AllocationRecipe.Parse(
            """{ "choices": [ { "method": "lordq" }, { "method": "rtn", "grid": { "bitz": 3 } } ], "bitsPerWeight": 3, "calibration": { "paths": ["a"] } }""",
            "r.json")).Message);
    }

    [Fact]
    public void Rank_correlation_is_one_for_the_same_order_and_minus_one_for_the_reverse()
    {
        Assert.Equal(1, Correlation.OfRanks([1, 5, 20, 21], [0.1, 0.2, 0.3, 7]), 12);
        Assert.Equal(-1, Correlation.OfRanks([1, 5, 20], [3, 2, 1]), 12);
        Assert.Equal(0.5, Correlation.OfRanks([1, 2, 3], [1, 3, 2]), 12);
        Assert.Equal(Math.Sqrt(3) / 2, Correlation.OfRanks([1, 2, 3], [1, 1, 2]), 12);
    }

    private sealed class Listener<T>(Action<T> hear) : IProgress<T>
    {
        public void Report(T value) => hear(value);
    }
}
