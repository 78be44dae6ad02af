using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Pipeline;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Pipeline;

/// <summary>What a run makes and reports.</summary>
public sealed class CompressionRunTests : SomeRuns
{
    [Fact]
    public void Thread_counts_give_the_same_bytes() => ThreadCounts.GiveTheSame(count => Run($"threads-{count}", TheRecipe with { Method = new Lordq(3) }).Files);

    [Theory]
    [MemberData(nameof(Ways))]
    public void Reported_errors_are_those_of_the_model_that_was_written(Propagation propagate, Order order)
    {
        // Three statements in one: what flows into a block is what the recipe says, the written layers are those that were
        // measured,
        // and the error is the proxy loss on those inputs.
        var report = Run("out", TheRecipe with { Propagate = propagate, Order = order });
        using var original = Checkpoint.Open(ModelFolder);
        using var written = Checkpoint.Open(Folder["out"]);
        var spec = ModelSpec.Of(original);
        var tokens = CalibrationSet.Read(TheRecipe.Calibration, Quarank.Tokenizers.Tokenizer.Load(ModelFolder));
        var embedding = Model.LoadEmbedding(original, spec);
        var hidden = tokens.Sequences.Select(s => embedding.Apply(s)).ToList();
        for (int i = 0; i < spec.BlockCount; i++)
        {
            var (before, after) = (Model.LoadBlock(original, spec, i), Model.LoadBlock(written, spec, i));
            var grams = Grams(order == Order.Site ? after : before, hidden);
            foreach (var (was, now) in before.Projections.Zip(after.Projections))
            {
                var problem = new LayerProblem(was.Name, was.Weight.ToDense(), new(tokens.Tokens, grams[was.Site]));
                double expected = ProxyLoss.Relative(problem, now.Weight),
                    reported = report.Layers.Single(l => l.Name == was.Name).RelativeError;
                // The sums here run over floats in another order than the run's: 1e-4 is a thousand roundings.
                Assert.Equal(1, reported / expected, 1e-4);
            }
            foreach (var h in hidden) (propagate == Propagation.Original ? before : after).Forward(h);
        }
    }

    [Fact]
    public void What_is_not_compressed_is_copied_as_it_was_stored()
    {
        var report = Run("out", TheRecipe);
        using var original = Checkpoint.Open(ModelFolder);
        using var written = Checkpoint.Open(Folder["out"]);
        foreach (var tensor in original.Tensors.All.Where(t => !t.Name.Contains("_proj")))
        {
            Assert.Equal(tensor.Type, written.Tensors[tensor.Name].Type);
            Assert.Equal(tensor.ReadBytes(), written.Tensors[tensor.Name].ReadBytes());
        }
        Assert.DoesNotContain(written.Tensors.Names, n => n.EndsWith("_proj.weight", StringComparison.Ordinal));
        Assert.Equal(File.ReadAllBytes(Path.Combine(ModelFolder, "tokenizer.json")), File.ReadAllBytes(Folder["out/tokenizer.json"]));
        Assert.Equal(new FileInfo(Folder["out/model.safetensors"]).Length, report.FileBytes);
        Assert.Equal(report.Layers.Sum(l => l.Bits),
            8 * written.Tensors.All.Where(t => t.Name.Contains("_proj.")).Sum(t => t.ByteLength));
        Assert.Equal(report.ToJson(), CompressionReport.TryLoad(Folder["out"])!.ToJson());
        Assert.Contains("compressed already",
            Assert.Throws<InvalidDataException>(() => CompressionRun.Execute(Folder["out"], Folder["twice"], TheRecipe)).Message);
    }

    [Fact]
    public void The_plan_says_beforehand_what_the_run_will_store()
    {
        using var checkpoint = Checkpoint.Open(ModelFolder);
        var spec = ModelSpec.Of(checkpoint);
        var plan = Plan.Of(checkpoint, spec, TheRecipe);
        var report = Run("out", TheRecipe);
        Assert.Equal(report.Layers.Select(l => (l.Name, l.Rows, l.Columns, l.Bits)),
            plan.Layers.Select(l => (l.Name, l.Rows, l.Columns, l.Bits)));
        Assert.Equal(report.BitsPerWeight, plan.BitsPerWeight);
        using var written = Checkpoint.Open(Folder["out"]);
        Assert.Equal(written.Tensors.All.Sum(t => t.ByteLength), plan.FileBytes);
        Assert.Empty(plan.Warnings);

        var few = TheRecipe with { Calibration = TheRecipe.Calibration with { Samples = 1, Length = 40 } };
        Assert.StartsWith("40 calibration tokens cannot fill the 48 inputs of the feed-forward part's last layer",
            Assert.Single(Plan.Of(checkpoint, spec, few).Warnings));
        var tooLong = TheRecipe with { Calibration = TheRecipe.Calibration with { Samples = 1, Length = 129 } };
        Assert.Contains("longer than the 128 positions",
            Assert.Throws<InvalidDataException>(() => Plan.Of(checkpoint, spec, tooLong)).Message);
    }

    [Fact]
    public void Settings_that_exclude_each_other_are_refused() =>
        Assert.Contains("order \"site\"", Refused("out", TheRecipe with { Propagate = Propagation.Original, Order = Order.Site }));

    private static Dictionary<InputSite, Matrix<double>> Grams(Block block, IEnumerable<Matrix<float>> hidden)
    {
        var grams = new Dictionary<InputSite, Matrix<double>>();
        long tokens = 0;
        foreach (var h in hidden)
        {
            tokens += h.Rows;
            block.Observe(h, (site, x) =>
            {
                if (!grams.TryGetValue(site, out var gram)) grams[site] = gram = new(x.Columns, x.Columns);
                for (int t = 0; t < x.Rows; t++)
                    for (int i = 0; i < x.Columns; i++)
                        for (int j = 0; j < x.Columns; j++) gram[i, j] += (double)x[t, i] * x[t, j];
            });
        }
        foreach (var gram in grams.Values)
            foreach (ref double v in gram.Data) v /= tokens;
        return grams;
    }
}
