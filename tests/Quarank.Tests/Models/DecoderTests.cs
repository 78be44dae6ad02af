using System.Text.Json.Nodes;
using Quarank.Checkpoints;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Models;

/// <summary>The decoder against a second writing of it, against itself token by token, and against other thread counts.</summary>
public class DecoderTests
{
    // Float32 sums of some 40 products in two blocks; the reference is exact beside that.
    private const double Tolerance = 2e-5;

    private static readonly int[] PromptLengths = [1, 2, 17, 48], ThreadCounts = [1, 2, 3];

    private static readonly JsonObject Linear = new() { ["type"] = "linear", ["factor"] = 3.0 };

    private static readonly JsonObject Llama3 = new()
    {
        ["rope_type"] = "llama3",
        ["rope_theta"] = 50.0,
        ["factor"] = 4,
        ["low_freq_factor"] = 1.0,
        ["high_freq_factor"] = 4.0,
        ["original_max_position_embeddings"] = 64,
    };

    private static readonly Dictionary<string, (string, JsonNode?)[]> Configs = new()
    {
        ["grouped queries"] = [],
        ["a key head for every query head, by default"] = [("num_key_value_heads", null)],
        ["one key head for all"] = [("num_key_value_heads", 1), ("num_attention_heads", 3)],
        ["biases"] = [("attention_bias", true), ("mlp_bias", true)],
        ["tied head"] = [("tie_word_embeddings", true)],
        ["head size of its own"] = [("head_dim", 20)],
        ["head size of whole vectors"] = [("head_dim", 32)],
        ["rotary base"] = [("rope_theta", 500.0)],
        ["linear scaling, old keys"] = [("rope_theta", 500.0), ("rope_scaling", Linear)],
        ["llama3 scaling, new keys"] = [("rope_parameters", Llama3)],
    };

    public static TheoryData<string> Names => [.. Configs.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Logits_agree_with_a_plain_double_precision_decoder(string name)
    {
        var tiny = SomeLlama.Build(7, Configs[name]);
        var ids = tiny.Ids(75);   // more than a piece of 48 tokens, and than four tiles of 16 keys
        var model = tiny.Load();
        var expected = new ReferenceDecoder(tiny.Config, tiny.Tensors).Logits(ids);
        var actual = model.Logits(model.Forward(ids));
        double greatest = expected.SelectMany(l => l).Max(Math.Abs);
        for (int t = 0; t < ids.Length; t++)
            for (int i = 0; i < tiny.Spec.VocabularySize; i++) Assert.Equal(expected[t][i], actual[t, i], Tolerance * greatest);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_session_agrees_with_the_batch_token_by_token(string name)
    {
        var tiny = SomeLlama.Build(8, Configs[name]);
        var ids = tiny.Ids(60);
        var model = tiny.Load();
        var batch = model.Logits(model.Forward(ids));
        foreach (int prompt in PromptLengths)
        {
            var session = model.NewSession();
            AssertRow(batch.Row(prompt - 1), session.Append(ids.AsSpan(0, prompt)));
            for (int t = prompt; t < ids.Length; t++) AssertRow(batch.Row(t), session.Step(ids[t]));
            Assert.Equal(ids.Length, session.Position);
        }
    }

    [Fact]
    public void A_prompt_longer_than_a_piece_gives_the_logits_of_the_batch()
    {
        var tiny = SomeLlama.Build(9, ("max_position_embeddings", 1300));
        var ids = tiny.Ids(1200);
        var model = tiny.Load();
        var batch = model.Logits(model.Forward(ids));
        AssertRow(batch.Row(1199), model.NewSession().Append(ids));
    }

    [Fact]
    public void A_session_read_back_to_a_beginning_goes_on_as_one_that_never_read_more()
    {
        var tiny = SomeLlama.Build(14);
        var model = tiny.Load();
        int[] beginning = tiny.Ids(37), ending = tiny.Ids(21, 6), other = tiny.Ids(30, 7);
        var session = model.NewSession();
        session.Append(beginning);
        session.ReadAll(other);
        session.Rewind(beginning.Length);
        Assert.Equal(beginning.Length, session.Position);
        var states = session.ReadAll(ending);

        var expected = model.Logits(model.Forward([.. beginning, .. ending]));
        var logits = model.Logits(states);
        for (int t = 0; t < ending.Length; t++) AssertRow(expected.Row(beginning.Length + t), logits.Row(t));
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Rewind(session.Position + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Rewind(-1));
    }

    [Fact]
    public void Results_are_the_same_bits_at_any_thread_count()
    {
        var tiny = SomeLlama.Build(10, ("hidden_size", 96), ("intermediate_size", 200), ("head_dim", 16));
        var ids = tiny.Ids(150);
        int before = Threads.Count;
        try
        {
            float[][] results = [.. ThreadCounts.Select(threads =>
            {
                Threads.Count = threads;
                var model = tiny.Load();
                return model.Logits(model.Forward(ids)).Data.ToArray();
            })];
            Assert.Equal(results[0], results[1]);
            Assert.Equal(results[0], results[2]);
        }
        finally
        {
            Threads.Count = before;
        }
    }

    [Fact]
    public void A_large_half_precision_head_multiplies_as_its_floats_do()
    {
        var halves = new ushort[20_001 * 8];
        var random = new Random(3);
        foreach (ref ushort h in halves.AsSpan()) h = BitConverter.HalfToUInt16Bits((Half)(random.NextSingle() - 0.5f));
        var head = new DenseLinear(20_001, 8, ElementType.F16, halves);
        var x = Some.Matrix(5, 8);
        var expected = LinearAlgebra.MultiplyTransposed(x, head.ToDense());
        Assert.Equal(expected.Data.ToArray(), head.Apply(x).Data.ToArray(), (a, b) => Math.Abs(a - b) <= 1e-6f);
        Assert.Throws<ArgumentException>(() => head.Apply(Some.Matrix(5, 7)));
    }

    [Fact]
    public void Changing_a_later_token_changes_no_earlier_logit()
    {
        var tiny = SomeLlama.Build(11);
        var model = tiny.Load();
        var ids = tiny.Ids(100);
        var before = model.Forward(ids);
        ids[70] = (ids[70] + 1) % tiny.Spec.VocabularySize;
        var after = model.Forward(ids);
        Assert.Equal(before.RowRange(0, 70).ToArray(), after.RowRange(0, 70).ToArray());
        Assert.NotEqual(before.Row(70).ToArray(), after.Row(70).ToArray());
    }

    [Fact]
    public void A_token_of_a_session_allocates_nothing()
    {
        var tiny = SomeLlama.Build(12, ("tie_word_embeddings", true), ("attention_bias", true));
        var session = tiny.Load().NewSession();
        var ids = tiny.Ids(160);
        session.Append(ids.AsSpan(0, 129));   // the second page of keys begins, and holds all that follow
        for (int i = 129; i < 140; i++) session.Step(ids[i]);
        Assert.Equal(0, Allocations.Least(run =>
        {
            for (int i = 0; i < 4; i++) session.Step(ids[140 + 4 * run + i]);
        }));
    }

    [Fact]
    public void Text_beyond_the_context_and_ids_beyond_the_vocabulary_are_refused_and_leave_the_session_as_it_was()
    {
        var tiny = SomeLlama.Build(13, ("max_position_embeddings", 20));
        var model = tiny.Load();
        var ids = tiny.Ids(21);
        Assert.Contains("context of 20", Assert.Throws<ArgumentException>(() => model.Forward(ids)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => model.Forward([]));
        Assert.Contains("vocabulary of 50", Assert.Throws<ArgumentException>(() => model.Forward([1, 50])).Message, StringComparison.Ordinal);

        var session = model.NewSession();
        session.Append(ids.AsSpan(0, 10));
        Assert.Throws<ArgumentException>(() => session.Append(ids.AsSpan(0, 11)));
        Assert.Throws<ArgumentException>(() => session.Append([1, -1]));
        AssertRow(model.Logits(model.Forward(ids.AsSpan(0, 20))).Row(19), session.Append(ids.AsSpan(10, 10)));
        Assert.Throws<ArgumentException>(() => session.Step(1));
    }

    private static void AssertRow(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        float greatest = 0;
        foreach (float v in expected) greatest = Math.Max(greatest, Math.Abs(v));
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-4f * greatest);
    }
}
