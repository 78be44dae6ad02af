using System.Text.Json.Nodes;
using Quarank.Checkpoints;
using Quarank.Models;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Models;

/// <summary>What the families' configs say, in the spellings of old and new transformers, and what of it is refused.</summary>
public class FamilySpecTests
{
    [Theory]
    [InlineData("mistral", "sliding_window", "null", null)]
    [InlineData("mistral", "sliding_window", "missing", 4096)]     // the default of transformers
    [InlineData("mistral", "sliding_window", "9", 9)]
    [InlineData("mixtral", "sliding_window", "missing", null)]
    [InlineData("phi3", "sliding_window", "2047", 2047)]
    [InlineData("qwen2", "use_sliding_window", "false", null)]
    [InlineData("qwen3", "sliding_window", "7", null)]            // not switched on
    [InlineData("gemma2", "sliding_window", "missing", 4096)]
    public void Windows_are_those_of_transformers(string name, string key, string value, int? window) =>
        Assert.Equal(window, Spec(name, key, value).Window);

    [Theory]
    [InlineData("qwen2", null, new[] { false, true })]
    [InlineData("gemma2", null, new[] { true, false })]
    [InlineData("gemma3", null, new[] { true, true, false })]
    [InlineData("gemma2", """["full_attention", "sliding_attention"]""", new[] { false, true })]
    [InlineData("gemma3", """["full_attention", "sliding_attention", "full_attention"]""", new[] { false, true, false })]
    public void Blocks_with_a_window_follow_the_familys_rule_or_the_configs_list(string name, string? types, bool[] expected)
    {
        var spec = types is null ? SomeFamily.Build(name).Spec : Spec(name, "layer_types", types);
        Assert.Equal(expected, Enumerable.Range(0, spec.BlockCount).Select(b => spec.WindowOf(b) is not null));
    }

    [Fact]
    public void Gemmas_two_rotations_are_read_from_both_spellings()
    {
        var old = Spec("gemma3", "rope_scaling", """{"rope_type": "linear", "factor": 8.0}""");
        var renewed = ModelSpec.Read(SomeFamily.ConfigOf("gemma3", ("rope_theta", null), ("rope_local_base_freq", null), ("rope_parameters", JsonNode.Parse("""
            {"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 20000.0}, "sliding_attention": {"rope_type": "default", "rope_theta": 50.0}}
            """))));
        Assert.Equal((new RotarySpec(20_000, new LinearScaling(8)), new RotarySpec(50)), (old.Rotary, old.WindowRotary));
        Assert.Equal((old.Rotary, old.WindowRotary), (renewed.Rotary, renewed.WindowRotary));
    }

    [Fact]
    public void LongRoPE_is_read_from_both_spellings_and_stretches_magnitudes()
    {
        var old = SomeFamily.Build("phi3-longrope").Spec.Rotary!;
        var renewed = Spec("phi3", "rope_parameters", """
            {"rope_type": "longrope", "rope_theta": 10000.0, "original_max_position_embeddings": 32, "partial_rotary_factor": 1.0,
             "short_factor": [1, 1.1, 1.2, 1.3], "long_factor": [1.5, 2.5, 3.5, 4.5]}
            """).Rotary!;
        Assert.Equal(old.Frequencies(8), renewed.Frequencies(8));
        Assert.Equal(old.Frequencies(8, longText: true), renewed.Frequencies(8, longText: true));
        Assert.Equal(old.Frequencies(8)[1] * 1.1 / 2.5, old.Frequencies(8, longText: true)[1], 1e-15);
        Assert.Equal((32, Math.Sqrt(1 + Math.Log(5) / Math.Log(32))), (old.Scaling!.Switch!.Value, old.Scaling.Magnitude));   // 160 = 5 · 32
        Assert.Equal(old.Scaling.Magnitude, renewed.Scaling!.Magnitude);
    }

    [Fact]
    public void Heads_are_tied_where_the_familys_default_says_so()
    {
        foreach (string name in SomeFamily.Names)
            Assert.Equal(name.StartsWith("gemma", StringComparison.Ordinal) || name.StartsWith("opt", StringComparison.Ordinal), SomeFamily.Build(name).Spec.TiedHead);
    }

    [Theory]
    [InlineData("opt", "activation_function", "\"gelu\"", "gelu")]
    [InlineData("gemma2", "hidden_activation", "\"quick_gelu\"", "quick_gelu")]
    [InlineData("gemma3", "use_bidirectional_attention", "true", "use_bidirectional_attention")]
    [InlineData("mistral", "rope_scaling", """{"type": "yarn", "factor": 4.0}""", "yarn")]
    [InlineData("qwen2", "rope_scaling", """{"type": "dynamic", "factor": 4.0}""", "dynamic")]
    [InlineData("qwen3", "rope_scaling", """{"type": "longrope", "short_factor": [1], "long_factor": [1]}""", "longrope")]
    [InlineData("mistral", "layer_types", """["sliding_attention", "full_attention"]""", "full_attention")]
    [InlineData("gemma2", "layer_types", """["sliding_attention", "chunked_attention"]""", "chunked_attention")]
    [InlineData("llama", "num_local_experts", "4", "num_local_experts")]
    [InlineData("mistral", "query_pre_attn_scalar", "256", "query_pre_attn_scalar")]
    [InlineData("qwen2", "partial_rotary_factor", "0.5", "partial_rotary_factor")]
    [InlineData("phi3-longrope", "rope_scaling", """{"type": "longrope", "factor": 2, "short_factor": [1, 1, 1, 1], "long_factor": [1, 1, 1, 1]}""", "factor")]
    [InlineData("phi3-longrope", "rope_scaling", """{"type": "longrope", "short_mscale": 1.1, "short_factor": [1, 1, 1, 1], "long_factor": [1, 1, 1, 1]}""", "short_mscale")]
    public void What_would_run_wrong_is_refused_by_name(string name, string key, string value, string named) =>
        Assert.Contains(named, Assert.Throws<NotSupportedException>(() => Spec(name, key, value)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("phi3-longrope", "rope_scaling", """{"type": "longrope", "short_factor": [1, 1], "long_factor": [1, 1]}""")]
    [InlineData("phi3", "partial_rotary_factor", "0.4")]
    [InlineData("mixtral", "num_experts_per_tok", "5")]
    [InlineData("gemma2", "layer_types", """["sliding_attention"]""")]
    [InlineData("qwen2", "max_window_layers", "-1")]
    [InlineData("opt", "num_attention_heads", "5")]
    [InlineData("gemma2", "attn_logit_softcapping", "0")]
    public void A_value_that_cannot_be_is_refused_as_bad_data(string name, string key, string value) =>
        Assert.Contains("config.json", Assert.Throws<InvalidDataException>(() => Spec(name, key, value)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("opt", "model.decoder.", "decoder.")]
    [InlineData("gemma3", "model.", "language_model.model.")]
    [InlineData("gemma3", "model.", "model.language_model.")]
    public void Checkpoints_under_another_prefix_compute_the_same(string name, string prefix, string other)
    {
        var some = SomeFamily.Build(name);
        var renamed = new StoredTensors();
        foreach (var tensor in some.Tensors.All) renamed.Add(other + tensor.Name[prefix.Length..], tensor);
        var config = name == "opt" ? some.Config : Multimodal(some);
        var ids = some.Ids(40);
        var model = Model.Load(renamed, config);
        Assert.Equal(some.Load().Forward(ids).Data.ToArray(), model.Forward(ids).Data.ToArray());
        Assert.StartsWith(other, model.Spec.Projections(1)[0].Name, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mistral", "self_attn.q_proj.bias")]
    [InlineData("qwen2", "self_attn.q_norm.weight")]
    [InlineData("llama", "mlp.extra_proj.weight")]
    public void A_tensor_that_would_be_left_out_is_refused_by_name(string name, string tensor)
    {
        var some = SomeFamily.Build(name);
        some.Tensors.Add($"model.layers.1.{tensor}", StoredTensor.FromValues("x", new float[8], 8));
        Assert.Contains(tensor, Assert.Throws<InvalidDataException>(some.Load).Message, StringComparison.Ordinal);
    }

    /// <summary>The config of a model that also sees pictures, around that of the text part.</summary>
    private static System.Text.Json.JsonElement Multimodal(SomeFamily some) => System.Text.Json.JsonSerializer.SerializeToElement(new JsonObject
    {
        ["architectures"] = new JsonArray("Gemma3ForConditionalGeneration"),
        ["text_config"] = JsonNode.Parse(some.Config.GetRawText()),
        ["vision_config"] = new JsonObject(),
        ["eos_token_id"] = new JsonArray(1, 106),
        ["torch_dtype"] = "bfloat16",
    });

    private static ModelSpec Spec(string name, string key, string value) =>
        ModelSpec.Read(value == "null" ? WithNull(name, key) : SomeFamily.ConfigOf(name, (key, value == "missing" ? null : JsonNode.Parse(value))));

    private static System.Text.Json.JsonElement WithNull(string name, string key)
    {
        var config = JsonNode.Parse(SomeFamily.ConfigOf(name).GetRawText())!.AsObject();
        config[key] = null;
        return System.Text.Json.JsonSerializer.SerializeToElement(config);
    }
}
