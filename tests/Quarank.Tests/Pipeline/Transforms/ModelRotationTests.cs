using Quarank.Checkpoints;
using Quarank.Models;
using Quarank.Numerics.Hadamard;
using Quarank.Pipeline.Transforms;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Pipeline.Transforms;

/// <summary>A rotated model is the same function in other coordinates (spec §10.1, identity 14), in every family that can be rotated.</summary>
public class ModelRotationTests
{
    private static readonly RotationSpec All = new(3, Values: true, Down: true, Keys: true);

    public static TheoryData<string> Rotatable => [.. SomeFamily.Names.Where(n => n != "opt-post-norm")];

    [Theory, MemberData(nameof(Rotatable))]
    public void Its_logits_are_the_originals_but_for_float_noise(string name)
    {
        var some = SomeFamily.Build(name);
        var ids = some.Ids(60);
        float[] expected = Logits(some.Load(), ids);
        foreach (var rotation in (RotationSpec[])[All, new(4, false, false, false), new(5, true, false, false), new(5, false, true, true)])
        {
            var turned = ModelRotation.Rotate(some.Tensors, some.Config, rotation, ElementType.F32);
            AssertClose(expected, Logits(Model.Load(turned.Tensors, turned.Config), ids));
        }
    }

    [Theory, MemberData(nameof(Rotatable))]
    public void A_session_of_it_gives_token_by_token_what_the_original_gives(string name)
    {
        var some = SomeFamily.Build(name);
        var ids = some.Ids(40);
        var turned = ModelRotation.Rotate(some.Tensors, some.Config, All, ElementType.F32);
        var (left, right) = (some.Load().NewSession(), Model.Load(turned.Tensors, turned.Config).NewSession());
        left.Append(ids.AsSpan(0, 20));
        right.Append(ids.AsSpan(0, 20));
        for (int t = 20; t < ids.Length; t++) AssertClose(left.Step(ids[t]), right.Step(ids[t]));
    }

    [Fact]
    public void A_token_of_a_rotated_session_allocates_nothing()
    {
        var some = SomeFamily.Build("gemma2");
        var turned = ModelRotation.Rotate(some.Tensors, some.Config, All);
        var session = Model.Load(turned.Tensors, turned.Config).NewSession();
        var ids = some.Ids(120);
        session.Append(ids.AsSpan(0, 90));
        for (int i = 90; i < 105; i++) session.Step(ids[i]);
        Assert.Equal(0, Allocations.Least(run => session.Step(ids[105 + run])));
    }

    [Fact]
    public void It_spreads_an_outlier_over_all_places()
    {
        var some = SomeFamily.Build("llama");
        var embedding = some.Tensors[$"{some.Spec.Names.Embedding}.weight"].ReadMatrix();
        float most = 0;
        for (int i = 0; i < embedding.Rows; i++) embedding[i, 5] = 50;
        var tensors = new StoredTensors();
        foreach (var t in some.Tensors.All)
            tensors.Add(t.Name, t.Name == $"{some.Spec.Names.Embedding}.weight" ? StoredTensor.FromValues(t.Name, embedding.Data.ToArray(), embedding.Rows, embedding.Columns) : t);
        var turned = ModelRotation.Rotate(tensors, some.Config, All).Tensors[$"{some.Spec.Names.Embedding}.weight"].ReadMatrix();
        foreach (float v in turned.Data) most = Math.Max(most, Math.Abs(v));
        Assert.InRange(most, 50 / Math.Sqrt(32) * 0.5, 50 / Math.Sqrt(32) * 1.5);
    }

    [Fact]
    public void A_tied_head_gets_its_own_table_and_its_bytes_are_counted()
    {
        var some = SomeFamily.Build("llama", 1, ("tie_word_embeddings", true));
        var turned = ModelRotation.Rotate(some.Tensors, some.Config, All, ElementType.F32);
        Assert.True(turned.UntiedHead);
        Assert.Equal(4L * some.Spec.VocabularySize * some.Spec.HiddenSize, turned.AddedBytes);
        Assert.Equal(turned.AddedBytes, turned.Tensors.All.Sum(t => t.ByteLength) - some.Tensors.All.Sum(t => t.ByteLength));
        var ids = some.Ids(30);
        AssertClose(Logits(some.Load(), ids), Logits(Model.Load(turned.Tensors, turned.Config), ids));
    }

    [Fact]
    public void It_is_written_says_what_it_is_and_runs_rotated()
    {
        using var folder = new TemporaryFolder();
        string model = TinyLlama.Write(Path.Combine(folder.Path, "m"), type: ElementType.F32), outFolder = Path.Combine(folder.Path, "turned");
        using (var original = Checkpoint.Open(model)) ModelRotation.Rotate(original.Tensors, original.Config, All).Write(outFolder, original);
        using Checkpoint before = Checkpoint.Open(model), after = Checkpoint.Open(outFolder);
        int[] ids = [.. Enumerable.Range(0, 40).Select(i => i * 7 % TinyLlama.Vocabulary)];
        AssertClose(Logits(Model.Load(before), ids), Logits(Model.Load(after), ids));
        Assert.Equal(All, ModelSpec.Of(after).Rotation);
        Assert.True(File.Exists(Path.Combine(outFolder, "tokenizer.json")));
    }

    [Fact]
    public void A_model_with_layer_norms_is_centred_and_no_older_program_reads_it()
    {
        var some = SomeFamily.Build("opt");
        var turned = ModelRotation.Rotate(some.Tensors, some.Config, All, ElementType.F32);
        Assert.True(ModelSpec.Read(turned.Config).Rotation!.Centred);
        Assert.Equal(3, turned.Config.GetProperty("quarank").GetProperty("version").GetInt32());
        var embedding = turned.Tensors[$"{some.Spec.Names.Embedding}.weight"].ReadMatrix();
        for (int i = 0; i < embedding.Rows; i++)
        {
            float[] row = embedding.Row(i).ToArray();
            All.Residual(some.Spec).Backward(row.AsSpan());
            Assert.Equal(0, row.Sum(), 1e-4f);
        }
        string config = turned.Config.GetRawText().Replace("\"version\":3", "\"version\":2", StringComparison.Ordinal);
        Assert.Contains("centred", Assert.Throws<InvalidDataException>(() => Model.Load(turned.Tensors, System.Text.Json.JsonDocument.Parse(config).RootElement)).Message, StringComparison.Ordinal);
    }

    [Theory, InlineData("opt-post-norm", "do_layer_norm_before"), InlineData("opt", "enable_bias"), InlineData("opt", "layer_norm_elementwise_affine")]
    public void A_family_that_cannot_be_rotated_is_refused_by_name(string name, string without)
    {
        var some = SomeFamily.Build(name, 1, (without, false));
        Assert.Contains("OPTForCausalLM", Assert.Throws<NotSupportedException>(() => ModelRotation.Rotate(some.Tensors, some.Config, All)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_gradient_is_offered_where_rotations_run_in_between()
    {
        var some = SomeFamily.Build("llama");
        var turned = ModelRotation.Rotate(some.Tensors, some.Config, All);
        var model = Model.Load(turned.Tensors, turned.Config);
        Assert.Throws<NotSupportedException>(() => new Quarank.Training.BlockGradient<float>(model.Spec, model.Blocks[0]));
    }

    [Fact]
    public void A_rotated_model_is_not_rotated_again()
    {
        var some = SomeFamily.Build("llama");
        var turned = ModelRotation.Rotate(some.Tensors, some.Config, All);
        Assert.Contains("already", Assert.Throws<InvalidDataException>(() => ModelRotation.Rotate(turned.Tensors, turned.Config, All)).Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(9, 64), InlineData(4, 8), InlineData(5, 12)]
    public void A_transform_across_heads_after_one_within_each_keeps_lengths_and_mixes_all(int heads, int size)
    {
        var x = new double[heads * size];
        x[3] = 1;
        var within = HadamardTransform.Of(size);
        for (int h = 0; h < heads; h++) within.Forward(x.AsSpan(h * size, size));
        new AcrossHeads(heads, size).Forward(x);
        Assert.Equal(1, x.Sum(v => v * v), 1e-12);
        Assert.InRange(x.Max(Math.Abs), 0, 2 / Math.Sqrt(heads * size) + 1e-12);     // a Hartley factor's entries are up to √2 larger, of both sides 2
    }

    private static float[] Logits(Model model, int[] ids) => model.Logits(model.Forward(ids)).Data.ToArray();

    // Float32 through two blocks in other coordinates: each sum of some 32 terms rounded otherwise.
    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        float greatest = 0;
        foreach (float v in expected) greatest = Math.Max(greatest, Math.Abs(v));
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-4f * greatest);
    }
}
