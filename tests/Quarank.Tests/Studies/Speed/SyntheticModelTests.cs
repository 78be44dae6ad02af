using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Pipeline;
using Quarank.Studies.Speed;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Studies.Speed;

/// <summary>Models of random codes: what they promise in bytes, that the usual loader reads them, that they run.</summary>
public sealed class SyntheticModelTests : IDisposable
{
    private static readonly SyntheticShape Small = new(Layers: 2, Hidden: 96, Intermediate: 200, Heads: 6, KeyValueHeads: 2, Vocabulary: 70, Context: 64);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Write(string form, string head = "f16", bool tied = false, SyntheticShape? shape = null)
    {
        string folder = _folder[$"model-{Guid.NewGuid():N}"];
        new SyntheticModel(shape ?? Small, SyntheticForm.Parse(form), SyntheticForm.Parse(head), tied).Write(folder);
        return folder;
    }

    [Theory]
    [InlineData("f16", 16)]
    [InlineData("bf16", 16)]
    [InlineData("f32", 32)]
    [InlineData("grid:4:32", 4 + (16 + 4) / 32.0)]
    [InlineData("grid:8:row:symmetric", 8)]
    [InlineData("grid:3:32:symmetric", 3 + 16 / 32.0)]
    [InlineData("grid:2:row", 2)]
    [InlineData("grid:4:64:number", 4 + 32 / 64.0)]
    [InlineData("codebook:4:32", 4 + 16 / 32.0)]
    [InlineData("a8:grid:4:row:symmetric", 4)]
    [InlineData("a4:grid:4:32+grid:2:32:symmetric", 4 + (16 + 4) / 32.0 + 2.5)]
    [InlineData("lordq:2", 2)]
    [InlineData("grid:2:32:symmetric+lordq:1", 2.5 + 1)]
    public void A_model_of_any_form_is_loaded_runs_and_takes_the_bits_that_its_name_says(string form, double bits)
    {
        using var checkpoint = Checkpoint.Open(Write(form));
        var model = Model.Load(checkpoint);
        var layers = model.Blocks.SelectMany(b => b.Projections).ToList();

        // Besides the named bits: scales of whole rows, groups that do not divide a row, unused bits, a table of levels.
        double actual = (double)layers.Sum(p => p.Weight.Bits) / layers.Sum(p => (long)p.Spec.Rows * p.Spec.Columns);
        Assert.InRange(actual, form.StartsWith("lordq", StringComparison.Ordinal) ? 0.9 * bits : bits, bits + 0.45);
        foreach (var p in layers)
            Assert.Equal(p.Weight.Bits, 8 * checkpoint.Tensors.Under(p.Name).All.Sum(t => t.ByteLength));

        int[] ids = [1, 5, 69];
        var logits = model.Logits(model.Forward(ids)).Data.ToArray();
        Assert.All(logits, v => Assert.True(float.IsFinite(v)));
        Assert.InRange(logits.Max() - logits.Min(), 0.1, 100);
    }

    [Theory]
    [InlineData("grid:3:128")]
    [InlineData("lordq:2")]
    public void Weights_have_the_spread_that_keeps_activations_of_one_size(string form)
    {
        using var checkpoint = Checkpoint.Open(Write(form, shape: new(1, 512, 512, 4, 4, 40)));
        var weight = Model.Load(checkpoint).Blocks[0].Projections[0].Weight.ToDense();
        double spread = Math.Sqrt(weight.Data.ToArray().Average(v => (double)v * v)) * Math.Sqrt(512);
        Assert.InRange(spread, 0.7, 1.6);   // zero-points and offsets are not quite in the middle
    }

    [Fact]
    public void Layers_saved_by_their_own_classes_have_the_very_tensors_that_were_written()
    {
        foreach (string form in new[] { "grid:3:64", "grid:4:row:number", "codebook:3:row", "lordq:2", "grid:2:row+lordq:1" })
        {
            using var checkpoint = Checkpoint.Open(Write(form));
            foreach (var p in Model.Load(checkpoint).Blocks[1].Projections)
            {
                var saved = new StoredTensors();
                p.Weight.Save(saved);
                var written = checkpoint.Tensors.Under(p.Name);
                Assert.Equal(written.Names, saved.Names);
                foreach (string name in saved.Names)
                {
                    Assert.Equal((written[name].Type, string.Join(',', written[name].Shape)), (saved[name].Type, string.Join(',', saved[name].Shape)));
                    Assert.Equal(written[name].ReadBytes(), saved[name].ReadBytes());
                }
            }
        }
    }

    [Fact]
    public void A_budget_gives_the_ranks_that_the_method_itself_would_choose()
    {
        using var checkpoint = Checkpoint.Open(Write("lordq:2"));
        var model = Model.Load(checkpoint);
        var shapes = Plan.Shapes(model.Spec);
        var method = (Lordq)new Lordq(2).Fit(shapes);
        foreach (var p in model.Blocks.SelectMany(b => b.Projections))
        {
            Assert.Equal(method.RankFor(p.Spec.Rows, p.Spec.Columns), ((ProductFormat)p.Weight.Format).Rank);
            Assert.Equal(method.PlannedBits(new LayerShape(p.Name, p.Spec.Rows, p.Spec.Columns)), p.Weight.Bits);
        }
    }

    [Fact]
    public void Bytes_depend_on_nothing_but_the_shape_and_the_form()
    {
        Assert.Equal(WeightsOf(Write("grid:4:32")), WeightsOf(Write("grid:4:32")));
        static byte[] WeightsOf(string folder) => File.ReadAllBytes(Path.Combine(folder, "model.safetensors"));
    }

    [Fact]
    public void A_random_tensor_read_in_pieces_is_the_tensor_read_whole()
    {
        var tensor = new SyntheticLayer(ElementType.F16, 3).Dense("x", 1, 5, 7);
        byte[] whole = tensor.ReadBytes();
        var pieces = new byte[whole.Length];
        for (int first = 0, size = 1; first < whole.Length; first += size, size = size % 11 + 1)
            tensor.ReadBytes(first, pieces.AsSpan(first, Math.Min(size, whole.Length - first)));
        Assert.Equal(whole, pieces);
    }

    [Theory]
    [InlineData("f16", false)]
    [InlineData("grid:4:32", false)]
    [InlineData("f16", true)]
    [InlineData("grid:8:32", true)]
    public void The_head_has_its_own_form_or_is_the_embedding(string head, bool tied)
    {
        using var checkpoint = Checkpoint.Open(Write("grid:4:32", head, tied));
        Assert.Equal(!tied, checkpoint.Tensors.Under("lm_head").Any);
        var model = Model.Load(checkpoint);
        var table = model.Head.Table;
        Assert.Equal(SyntheticForm.Parse(head).Of(new("", 70, 96), []), table.Format);
        Assert.Equal(table.Bits, 8 * checkpoint.Tensors.Under(tied ? "model.embed_tokens" : "lm_head").All.Sum(t => t.ByteLength));
        if (tied) Assert.Same(model.Embedding.Table, table);
        Assert.All(model.Logits(model.Forward([1, 5, 69])).Data.ToArray(), v => Assert.True(float.IsFinite(v)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("f8")]
    [InlineData("grid:4")]
    [InlineData("grid:4:0")]
    [InlineData("grid:9:row")]
    [InlineData("grid:4:row:odd")]
    [InlineData("codebook:5:row")]
    [InlineData("lordq:many")]
    [InlineData("lordq:0")]
    [InlineData("f16+")]
    public void What_is_no_form_is_refused(string text) => Assert.Throws<ArgumentException>(() => SyntheticForm.Parse(text));
}
