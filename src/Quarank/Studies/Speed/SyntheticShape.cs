using System.Text.Json;
using System.Text.Json.Nodes;

namespace Quarank.Studies.Speed;

/// <summary>The sizes of a Llama whose weights are random numbers; the defaults are TinyLlama's, 1.1 billion parameters.</summary>
/// <param name="Layers">Decoder blocks.</param>
/// <param name="Hidden">Width of the hidden states.</param>
/// <param name="Intermediate">Width of the feed-forward part.</param>
/// <param name="Heads">Query heads.</param>
/// <param name="KeyValueHeads">Key and value heads.</param>
/// <param name="Vocabulary">Rows of embedding and head.</param>
/// <param name="Context">The most positions.</param>
public sealed record SyntheticShape(
    int Layers = 22, int Hidden = 2048, int Intermediate = 5632, int Heads = 32, int KeyValueHeads = 4, int Vocabulary = 32_000, int Context = 2048)
{
    /// <summary>config.json as transformers writes it.</summary>
    /// <param name="tiedHead">The head is the embedding's matrix.</param>
    public JsonElement Config(bool tiedHead) => JsonSerializer.SerializeToElement(new JsonObject
    {
        ["architectures"] = new JsonArray("LlamaForCausalLM"),
        ["model_type"] = "llama",
        ["hidden_act"] = "silu",
        ["hidden_size"] = Hidden,
        ["intermediate_size"] = Intermediate,
        ["num_hidden_layers"] = Layers,
        ["num_attention_heads"] = Heads,
        ["num_key_value_heads"] = KeyValueHeads,
        ["vocab_size"] = Vocabulary,
        ["max_position_embeddings"] = Context,
        ["rms_norm_eps"] = 1e-5,
        ["rope_theta"] = 10000.0,
        ["tie_word_embeddings"] = tiedHead,
        ["torch_dtype"] = "float16",
        ["bos_token_id"] = 1,
        ["eos_token_id"] = 2,
    });
}
