using System.Text.Json;
using System.Text.Json.Nodes;
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

/// <summary>The bits of embedding and head.</summary>
public sealed class TableBitsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _tied;
    private readonly string _untied;
    private readonly Recipe _recipe;

    public TableBitsTests()
    {
        _tied = TinyLlama.Write(_folder["tied"]);
        _untied = WriteUntied();
        File.WriteAllText(_folder["text.txt"], string.Concat(Enumerable.Range(0, 200).Select(i => $"{i * i} hens, ")));
        _recipe = new(new RoundToNearest(new GridFormat(4, 16)), new([_folder["text.txt"]]) { Samples = 2, Length = 40 });
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(8)]
    [InlineData(4)]
    public void A_tied_table_stays_one_whichever_option_rounds_it(int bits)
    {
        var byHead = Run(_tied, "head", _recipe with { HeadBits = bits });
        var byEmbedding = Run(_tied, "embedding", _recipe with { EmbeddingBits = bits });
        Assert.Equal(Weights(byHead), Weights(byEmbedding));

        using var checkpoint = Checkpoint.Open(_folder["head"]);
        var model = Model.Load(checkpoint);
        Assert.Same(model.Embedding.Table, model.Head.Table);
        var table = Assert.IsType<GridLinear>(model.Head.Table);
        Assert.Equal(TableRounding.FormatOf(bits), table.Format);
        Assert.DoesNotContain(checkpoint.Tensors.All, t => t.Name == "model.embed_tokens.weight");
        Assert.Equal(Rounded(_tied, "model.embed_tokens", bits), table.ToDense().Data.ToArray());

        var told = Assert.Single(byHead.Tables);
        Assert.Equal(("model.embed_tokens", table.Bits), (told.Name, told.Bits));
        AssertCounted(_tied, checkpoint, byHead, _recipe with { HeadBits = bits });
    }

    [Fact]
    public void Tables_apart_have_bits_of_their_own()
    {
        var recipe = _recipe with { HeadBits = 4, EmbeddingBits = 8 };
        var report = Run(_untied, "out", recipe);
        using var checkpoint = Checkpoint.Open(_folder["out"]);
        var model = Model.Load(checkpoint);
        Assert.Equal(Rounded(_untied, "model.embed_tokens", 8), model.Embedding.Table.ToDense().Data.ToArray());
        Assert.Equal(Rounded(_untied, "lm_head", 4), model.Head.Table.ToDense().Data.ToArray());
        Assert.Equal(["model.embed_tokens", "lm_head"], report.Tables.Select(t => t.Name));
        AssertCounted(_untied, checkpoint, report, recipe);

        // A head alone leaves the embedding as it was.
        Run(_untied, "head", _recipe with { HeadBits = 8 });
        using var headOnly = Checkpoint.Open(_folder["head"]);
        using var original = Checkpoint.Open(_untied);
        Assert.Equal(original.Tensors["model.embed_tokens.weight"].ReadBytes(), headOnly.Tensors["model.embed_tokens.weight"].ReadBytes());
        Assert.Equal(8, Assert.IsType<GridLinear>(Model.Load(headOnly).Head.Table).Format.Bits);
    }

    [Fact]
    public void Generation_and_whole_sequences_agree_with_rounded_tables()
    {
        Run(_untied, "out", _recipe with { HeadBits = 4, EmbeddingBits = 4 });
        using var checkpoint = Checkpoint.Open(_folder["out"]);
        var model = Model.Load(checkpoint);
        int[] ids = [5, 80, 33, 200, 7];
        var logits = model.Logits(model.Forward(ids));
        var session = model.NewSession();
        // Products of 32 numbers in another order: a few units in the last place of logits near 1.
        foreach (var (id, t) in ids.Select((id, t) => (id, t)))
            Assert.All(session.Step(id).ToArray().Zip(logits.Row(t).ToArray()), pair => Assert.Equal(pair.Second, pair.First, 1e-4));
    }

    [Theory]
    [InlineData(Propagation.Compressed, true)]
    [InlineData(Propagation.Original, false)]
    public void Blocks_are_calibrated_on_the_rounded_embedding_as_on_rounded_blocks(Propagation propagate, bool differs)
    {
        var recipe = _recipe with { Propagate = propagate, Method = new Gptq(new GridFormat(3, 16)) };
        var plain = Run(_untied, "plain", recipe);
        var rounded = Run(_untied, "rounded", recipe with { EmbeddingBits = 4 });
        Assert.Equal(differs, plain.Layers[0].RelativeError != rounded.Layers[0].RelativeError);
    }

    [Fact]
    public void What_cannot_be_is_refused_by_name()
    {
        Refused(_tied, _recipe with { HeadBits = 8, EmbeddingBits = 4 }, "one table");
        Refused(_tied, _recipe with { HeadBits = 16, EmbeddingBits = 4 }, "one table");
        Refused(_tied, _recipe with { HeadBits = 6 }, "headBits is one of 16, 8, 4, not 6");
        Refused(_tied, _recipe with { EmbeddingBits = 2 }, "embeddingBits");
        Run(_tied, "same", _recipe with { HeadBits = 8, EmbeddingBits = 8 });

        void Refused(string model, Recipe recipe, string part) =>
            Assert.Contains(part, Assert.Throws<InvalidDataException>(() => Run(model, "refused", recipe)).Message);
    }

    [Fact]
    public void Recipes_say_them_and_leave_them_out()
    {
        var recipe = _recipe with { HeadBits = 4, EmbeddingBits = 8 };
        Assert.Equal((4, 8), (Recipe.Parse(recipe.ToJson(), "here").HeadBits, Recipe.Parse(recipe.ToJson(), "here").EmbeddingBits));
        Assert.DoesNotContain("Bits\"", _recipe.ToJson().Replace("\"bits\"", ""));
    }

    [Theory]
    [InlineData(8, 0)]
    [InlineData(4, 32)]
    public void Numbers_are_rounded_to_the_nearest_step(int bits, int group)
    {
        var table = Some.Matrix(70, 80);
        var rounded = TableRounding.Round(new DenseLinear(table), bits).ToDense();
        for (int i = 0; i < table.Rows; i++)
        {
            for (int start = 0; start < 80; start += group == 0 ? 80 : group)
            {
                var was = table.Row(i)[start..Math.Min(80, group == 0 ? 80 : start + group)];
                double range = Math.Max(0, Max(was)) - Math.Min(0, Min(was)), step = range / ((1 << bits) - 1);
                // Half a step, and what the zero-point's rounding and the scale's 16 bits add at the ends of the range.
                for (int j = 0; j < was.Length; j++)
                    Assert.InRange(Math.Abs(was[j] - rounded[i, start + j]), 0, step + range / 2048);
            }
        }
        Assert.InRange(TableRounding.RelativeError(new DenseLinear(table), TableRounding.Round(new DenseLinear(table), bits)), 1e-9, 0.02);
    }

    [Fact]
    public void A_packed_table_of_many_rows_is_multiplied_piece_by_piece()
    {
        const int Rows = 16384 + 700;
        var packed = TableRounding.Round(new DenseLinear(Some.Matrix(Rows, 32)), 8);
        var x = Some.Matrix(3, 32, 2);
        var y = packed.Apply(x);
        var expected = new Matrix<float>(3, Rows);
        LinearAlgebra.MultiplyTransposed(x, packed.ToDense(), expected);
        // The same 32 products in the order that the size of a piece suggests to BLAS.
        Assert.All(y.Data.ToArray().Zip(expected.Data.ToArray()), p => Assert.Equal(p.Second, p.First, 1e-4));
    }

    private static float Max(ReadOnlySpan<float> values) => System.Numerics.Tensors.TensorPrimitives.Max(values);

    private static float Min(ReadOnlySpan<float> values) => System.Numerics.Tensors.TensorPrimitives.Min(values);

    private static void AssertCounted(string source, Checkpoint written, CompressionReport report, Recipe recipe)
    {
        using var original = Checkpoint.Open(source);
        var plan = Plan.Of(original, ModelSpec.Of(original), recipe);
        Assert.Equal(plan.FileBytes, written.Tensors.All.Sum(t => t.ByteLength));
        Assert.Equal(plan.BitsPerWeight, report.BitsPerWeight);
        Assert.Equal(plan.BitsPerWeightWithTables, report.BitsPerWeightWithTables);
        string[] counted = [.. report.Layers.Select(l => l.Name), .. report.Tables.Select(t => t.Name)];
        Assert.Equal(report.Layers.Sum(l => l.Bits) + report.Tables.Sum(t => t.Bits),
            8 * counted.Sum(name => written.Tensors.Under(name).All.Sum(t => t.ByteLength)));
    }

    private static float[] Rounded(string model, string name, int bits)
    {
        using var checkpoint = Checkpoint.Open(model);
        var table = DenseLinear.Load(checkpoint.Tensors[$"{name}.weight"], TinyLlama.Vocabulary, TinyLlama.Hidden);
        return TableRounding.Round(table, bits).ToDense().Data.ToArray();
    }

    private static string Weights(CompressionReport report) => report.Files["model.safetensors"];

    private CompressionReport Run(string model, string name, Recipe recipe) => CompressionRun.Execute(model, _folder[name], recipe);

    private string WriteUntied()
    {
        using var checkpoint = Checkpoint.Open(_tied);
        var config = JsonNode.Parse(checkpoint.Config.GetRawText())!.AsObject();
        config["tie_word_embeddings"] = false;
        var head = Some.Matrix(TinyLlama.Vocabulary, TinyLlama.Hidden, 7);
        var tensor = StoredTensor.FromFloats("lm_head.weight", ElementType.F16, head.Data.ToArray(), [TinyLlama.Vocabulary, TinyLlama.Hidden]);
        new CheckpointWriter(JsonSerializer.SerializeToElement(config), checkpoint.Tensors.All.Append(tensor)) { FilesFrom = _tied }
            .Write(_folder["untied"]);
        return _folder["untied"];
    }
}
