using System.Text.Json.Nodes;
using Quarank.Checkpoints;
using Quarank.Models;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Models;

public class ModelSpecTests
{
    [Fact]
    public void Configs_of_old_and_new_transformers_say_the_same()
    {
        var old = Read(("torch_dtype", "bfloat16"), ("rope_theta", 5e5), ("rope_scaling", JsonNode.Parse("""{"type": "linear", "factor": 2.0}""")));
        var renewed = Read(("dtype", "bfloat16"), ("rope_parameters", JsonNode.Parse("""{"rope_type": "linear", "rope_theta": 500000.0, "factor": 2}""")));
        Assert.Equal(new RotarySpec(5e5, new LinearScaling(2)), old.Rotary);
        Assert.Equal(old.Rotary, renewed.Rotary);
        Assert.Equal(ElementType.BF16, old.Type);
        Assert.Equal(old.Type, renewed.Type);
    }

    [Fact]
    public void What_a_config_leaves_out_has_the_defaults_of_transformers()
    {
        var spec = Read(("num_key_value_heads", null), ("rms_norm_eps", null), ("hidden_act", null), ("eos_token_id", null));
        Assert.Equal((4, 6, 1e-6f), (spec.KeyValueHeadCount, spec.HeadSize, spec.NormEpsilon));
        Assert.Equal(new RotarySpec(10_000), spec.Rotary);
        Assert.False(spec.TiedHead || spec.QueryKeyValueBias || spec.AttentionOutputBias || spec.MlpBias);
        Assert.Null(spec.Type);
        Assert.Empty(spec.EndOfText);
    }

    [Fact]
    public void One_or_several_tokens_may_end_a_text()
    {
        Assert.Equal([2], Read().EndOfText);
        Assert.Equal([2, 7], Read(("eos_token_id", new JsonArray(2, 7))).EndOfText);
    }

    [Fact]
    public void Switches_at_their_neutral_value_are_no_obstacle() => Read(
        ("pretraining_tp", 1), ("sliding_window", 64), ("use_sliding_window", false), ("rope_interleaved", false), ("partial_rotary_factor", 1.0),
        ("attention_dropout", 0.1), ("layer_types", new JsonArray("full_attention", "full_attention")), ("transformers_version", "5.0.0"));

    [Theory]
    [InlineData("architectures", """["FalconForCausalLM"]""", "FalconForCausalLM", "LlamaForCausalLM")]
    [InlineData("hidden_act", "\"gelu\"", "gelu", "silu")]
    [InlineData("rope_scaling", """{"type": "yarn", "factor": 4.0}""", "yarn", "default, linear, llama3")]
    [InlineData("rope_parameters", """{"rope_type": "dynamic", "factor": 4.0}""", "dynamic", "default, linear, llama3")]
    [InlineData("rope_parameters", """{"rope_type": "default", "partial_rotary_factor": 0.5}""", "partial_rotary_factor", "0.5")]
    [InlineData("rope_parameters", """{"full_attention": {"rope_type": "default"}}""", "layer type", "")]
    [InlineData("sliding_window", "4096", "sliding_window", "4096")]
    [InlineData("layer_types", """["full_attention", "sliding_attention"]""", "layer_types", "sliding_attention")]
    [InlineData("pretraining_tp", "2", "pretraining_tp", "2")]
    [InlineData("partial_rotary_factor", "0.25", "partial_rotary_factor", "0.25")]
    [InlineData("rope_interleaved", "true", "rope_interleaved", "true")]
    [InlineData("final_logit_softcapping", "30.0", "final_logit_softcapping", "30.0")]
    [InlineData("quantization_config", """{"quant_method": "gptq", "bits": 4}""", "quantization_config", "gptq")]
    [InlineData("torch_dtype", "\"float8_e4m3fn\"", "float8_e4m3fn", "bfloat16")]
    public void What_would_run_wrong_is_refused_by_name(string key, string value, string named, string andNamed)
    {
        var e = Assert.Throws<NotSupportedException>(() => Read((key, JsonNode.Parse(value))));
        Assert.Contains(named, e.Message, StringComparison.Ordinal);
        Assert.Contains(andNamed, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hidden_size", "\"24\"")]
    [InlineData("hidden_size", "0")]
    [InlineData("hidden_size", "24.5")]
    [InlineData("num_hidden_layers", "-1")]
    [InlineData("num_hidden_layers", "99999999999")]
    [InlineData("num_attention_heads", "5")]
    [InlineData("num_key_value_heads", "3")]
    [InlineData("head_dim", "7")]
    [InlineData("rms_norm_eps", "0")]
    [InlineData("rms_norm_eps", "1e999")]
    [InlineData("rope_theta", "\"big\"")]
    [InlineData("rope_parameters", """["linear"]""")]
    [InlineData("rope_scaling", """{"type": "linear"}""")]
    [InlineData("rope_scaling", """{"type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 1}""")]
    [InlineData("tie_word_embeddings", "1")]
    [InlineData("eos_token_id", "\"</s>\"")]
    [InlineData("architectures", "[]")]
    [InlineData("architectures", "[1]")]
    [InlineData("layer_types", "\"full_attention\"")]
    public void A_value_that_cannot_be_is_refused_as_bad_data(string key, string value)
    {
        var e = Assert.Throws<InvalidDataException>(() => Read((key, JsonNode.Parse(value))));
        Assert.Contains("config.json", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("vocab_size")]
    [InlineData("intermediate_size")]
    [InlineData("max_position_embeddings")]
    [InlineData("architectures")]
    public void A_number_that_is_missing_is_refused_by_name(string key)
    {
        var e = Assert.Throws<InvalidDataException>(() => Read((key, null)));
        Assert.Contains(key, e.Message, StringComparison.Ordinal);
    }

    private static ModelSpec Read(params (string, JsonNode?)[] changes) => ModelSpec.Read(SomeLlama.ConfigWith(changes));
}
