using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Pipeline;
using Quarank.Tests.Support;
using Quarank.Tokenizers;
using Xunit;

namespace Quarank.Tests.Pipeline;

/// <summary>Experts are calibrated on the tokens routed to them, and on all where those are too few.</summary>
public sealed class ExpertCalibrationTests : IDisposable
{
    private const int Starved = 3;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void An_experts_matrix_is_that_of_the_tokens_routed_to_it()
    {
        var report = Run("out", new Recipe(new RoundToNearest(new GridFormat(4)), Settings()) { Propagate = Propagation.Original }, out var counts);
        foreach (var layer in report.Layers.Where(l => l.Name.Contains("experts.", StringComparison.Ordinal) && l.Name.Contains("layers.0.", StringComparison.Ordinal)))
        {
            int expert = int.Parse(layer.Name.Split("experts.")[1].Split('.')[0], System.Globalization.CultureInfo.InvariantCulture);
            Assert.Equal(counts[expert], layer.RoutedTokens);
            Assert.Equal(expert == Starved ? 6 * 40 : counts[expert], layer.Tokens);
        }
        Assert.InRange(counts[Starved], 0, 39);                            // fewer than the 40 inputs of its last layer
        Assert.Equal(2 * 6 * 40, counts.Sum());                            // every token goes to two
        Assert.All(report.Layers.Where(l => l.Name.Contains("self_attn", StringComparison.Ordinal)), l => Assert.Null(l.RoutedTokens));
    }

    [Fact]
    public void Losses_are_measured_on_what_the_expert_really_read()
    {
        // tr(D H Dᵀ) / tr(W H Wᵀ) is the share of the output that is lost, over the tokens that H is of.
        var report = Run("out", new Recipe(new RoundToNearest(new GridFormat(3)), Settings()) { Propagate = Propagation.Original }, out _);
        using Checkpoint before = Checkpoint.Open(_folder["model"]), after = Checkpoint.Open(_folder["out"]);
        var spec = ModelSpec.Of(before);
        var (block, compressed) = (Model.LoadBlock(before, spec, 0), Model.LoadBlock(after, spec, 0));
        var embedding = Model.LoadEmbedding(before, spec);
        var inputs = new Dictionary<InputSite, List<Matrix<float>>>();
        foreach (var ids in Sequences(_folder["model"]))
            block.Observe(embedding.Apply(ids), (site, x) => (inputs.TryGetValue(site, out var list) ? list : inputs[site] = []).Add(x.Clone()));
        for (int p = 0; p < block.Projections.Count; p++)
        {
            if (block.Projections[p].Site.Expert is not { } expert || expert == Starved) continue;
            var (w, q) = (block.Projections[p].Weight, compressed.Projections[p].Weight);
            double lost = 0, whole = 0;
            foreach (var x in inputs[block.Projections[p].Site])
            {
                var (y, z) = (w.Apply(x), q.Apply(x));
                for (int i = 0; i < y.Data.Length; i++) (lost, whole) = (lost + Math.Pow(y.Data[i] - z.Data[i], 2), whole + Math.Pow(y.Data[i], 2));
            }
            Assert.Equal(lost / whole, report.Layers.Single(l => l.Name == block.Projections[p].Name).RelativeError, 1e-4 * lost / whole);
        }
    }

    [Fact]
    public void An_expert_that_saw_too_few_tokens_is_named_in_report_and_plan()
    {
        var recipe = new Recipe(new Gptq(new GridFormat(4, 8)), Settings());
        var report = Run("out", recipe, out _);
        foreach (string matrix in new[] { "w1", "w2", "w3" })
        {
            var layer = report.Layers.Single(l => l.Name == $"model.layers.0.block_sparse_moe.experts.{Starved}.{matrix}");
            Assert.Contains($"only {layer.RoutedTokens} of 240 calibration tokens", Assert.Single(layer.Notes), StringComparison.Ordinal);
        }
        using var checkpoint = Checkpoint.Open(_folder["model"]);
        var few = recipe with { Calibration = recipe.Calibration with { Samples = 1, Length = 70 } };
        Assert.Contains("Each of 4 experts sees some 35 of 70", Assert.Single(Plan.Of(checkpoint, ModelSpec.Of(checkpoint), few).Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Propagation.Original, Order.Block)]
    [InlineData(Propagation.Compressed, Order.Block)]
    [InlineData(Propagation.Compressed, Order.Site)]
    public void Kept_statistics_orders_and_thread_counts_give_the_same_bytes(Propagation propagate, Order order)
    {
        int before = Threads.Count;
        try
        {
            var recipe = new Recipe(new Gptq(new GridFormat(3, 8)), Settings()) { Propagate = propagate, Order = order };
            var options = propagate == Propagation.Original ? new RunOptions { Statistics = _folder["statistics"] } : new();
            var files = Enumerable.Range(1, 3).Select(threads =>
            {
                Threads.Count = threads;
                return Run($"out-{threads}", recipe, out _, options).Files;
            }).ToList();
            Assert.Equal(files[0], files[1]);
            Assert.Equal(files[0], files[2]);
        }
        finally
        {
            Threads.Count = before;
        }
    }

    /// <summary>A router that nearly never chooses one of the experts in the first block.</summary>
    private string Model4()
    {
        string folder = _folder["model"];
        if (Directory.Exists(folder)) return folder;
        var some = SomeFamily.Build("mixtral");
        const string router = "model.layers.0.block_sparse_moe.gate.weight", embedding = "model.embed_tokens.weight";
        var (weights, words) = (some.Tensors[router].ReadMatrix(), some.Tensors[embedding].ReadMatrix());
        for (int id = 0; id < words.Rows; id++) words[id, 0] = 3;                       // a feature that every token has,
        for (int e = 0; e < weights.Rows; e++) weights[e, 0] = e == Starved ? -0.8f : 0;   // and one expert does not like
        StoredTensor[] changed = [
            StoredTensor.FromValues(router, weights.Data.ToArray(), weights.Rows, weights.Columns),
            StoredTensor.FromValues(embedding, words.Data.ToArray(), words.Rows, words.Columns)];
        var tensors = some.Tensors.All.Where(t => t.Name is not (router or embedding)).Concat(changed);
        new CheckpointWriter(some.Config, tensors.OrderBy(t => t.Name, StringComparer.Ordinal)).Write(folder);
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), TinyLlama.Tokenizer().ToJsonString());
        return folder;
    }

    private CalibrationSettings Settings()
    {
        File.WriteAllText(_folder["text.txt"], string.Concat(Enumerable.Range(0, 100).Select(i => $"{i * i} hens, ")));
        return new([_folder["text.txt"]]) { Samples = 6, Length = 40 };
    }

    private IReadOnlyList<int[]> Sequences(string model) => CalibrationSet.Read(Settings(), Tokenizer.Load(model)).Sequences;

    private CompressionReport Run(string name, Recipe recipe, out int[] counts, RunOptions? options = null)
    {
        string model = Model4();
        using var checkpoint = Checkpoint.Open(model);
        var spec = ModelSpec.Of(checkpoint);
        var (block, embedding, routed) = (Model.LoadBlock(checkpoint, spec, 0), Model.LoadEmbedding(checkpoint, spec), new int[spec.ExpertCount]);
        foreach (var ids in Sequences(model))
            block.Observe(embedding.Apply(ids), (site, x) => { if (site is { Place: SitePlace.Mlp, Expert: { } e }) routed[e] += x.Rows; });
        counts = routed;
        return CompressionRun.Execute(model, _folder[name], recipe, options);
    }
}
