using System.Text.Json;
using System.Text.Json.Nodes;
using Quarank.Checkpoints;

namespace Quarank.Tests.Support;

/// <summary>
/// A Llama of a few thousand random weights with a tokenizer of bytes: all of a model folder in some kilobytes.
/// </summary>
internal static class TinyLlama
{
    public const int Hidden = 32, Intermediate = 48, Heads = 4, KeyValueHeads = 2, Blocks = 3, Vocabulary = 256, Context = 128;

    /// <summary>Writes the folder.</summary>
    /// <param name="scale">Weights are uniform in ± scale / √columns; a large one makes activations overflow.</param>
    public static string Write(string folder, int seed = 1, float scale = 2, ElementType type = ElementType.F16)
    {
        var tensors = new List<StoredTensor>();
        var random = new Random(seed);
        void Add(string name, int rows, int columns, float scale)
        {
            var values = new float[Math.Max(1, rows) * columns];
            float range = scale / MathF.Sqrt(columns);
            foreach (ref float v in values.AsSpan())
                v = rows == 0 ? 0.5f + random.NextSingle() : (2 * random.NextSingle() - 1) * range;
            tensors.Add(StoredTensor.FromFloats(name, type, values, rows == 0 ? [columns] : [rows, columns]));
        }

        Add("model.embed_tokens.weight", Vocabulary, Hidden, 4);
        for (int i = 0; i < Blocks; i++)
        {
            string block = $"model.layers.{i}";
            Add($"{block}.input_layernorm.weight", 0, Hidden, 1);
            Add($"{block}.self_attn.q_proj.weight", Hidden, Hidden, scale);
            Add($"{block}.self_attn.k_proj.weight", Hidden / 2, Hidden, scale);
            Add($"{block}.self_attn.v_proj.weight", Hidden / 2, Hidden, scale);
            Add($"{block}.self_attn.o_proj.weight", Hidden, Hidden, scale);
            Add($"{block}.post_attention_layernorm.weight", 0, Hidden, 1);
            Add($"{block}.mlp.gate_proj.weight", Intermediate, Hidden, scale);
            Add($"{block}.mlp.up_proj.weight", Intermediate, Hidden, scale);
            Add($"{block}.mlp.down_proj.weight", Hidden, Intermediate, scale);
        }
        Add("model.norm.weight", 0, Hidden, 1);

        new CheckpointWriter(Config(), tensors).Write(folder);
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), Tokenizer().ToJsonString());
        return folder;
    }

    private static JsonElement Config() => JsonSerializer.SerializeToElement(new JsonObject
    {
        ["architectures"] = new JsonArray("LlamaForCausalLM"),
        ["model_type"] = "llama",
        ["hidden_size"] = Hidden,
        ["intermediate_size"] = Intermediate,
        ["num_attention_heads"] = Heads,
        ["num_key_value_heads"] = KeyValueHeads,
        ["num_hidden_layers"] = Blocks,
        ["vocab_size"] = Vocabulary,
        ["max_position_embeddings"] = Context,
        ["rms_norm_eps"] = 1e-5,
        ["rope_theta"] = 10000.0,
        ["hidden_act"] = "silu",
        ["tie_word_embeddings"] = true,
        ["torch_dtype"] = "float16",
    });

    private static JsonObject ByteLevel() =>
        new() { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = true };

    /// <summary>Byte-level BPE without merges: a byte is a token. The names of bytes are GPT-2's.</summary>
    public static JsonObject Tokenizer()
    {
        var names = new JsonObject();
        int other = 256;
        for (int b = 0; b < 256; b++)
        {
            bool shown = b is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE;
            names[((char)(shown ? b : other++)).ToString()] = b;
        }
        return new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray(),
            ["normalizer"] = null,
            ["pre_tokenizer"] = ByteLevel(),
            ["post_processor"] = null,
            ["decoder"] = ByteLevel(),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["continuing_subword_prefix"] = null,
                ["end_of_word_suffix"] = null,
                ["fuse_unk"] = false,
                ["byte_fallback"] = false,
                ["vocab"] = names,
                ["merges"] = new JsonArray(),
            },
        };
    }
}
