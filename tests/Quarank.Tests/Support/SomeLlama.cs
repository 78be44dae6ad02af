using System.Text.Json;
using System.Text.Json.Nodes;
using Quarank.Checkpoints;
using Quarank.Models;

namespace Quarank.Tests.Support;

/// <summary>Small Llamas with random weights: a config as transformers writes it and the tensors it asks for, in memory.</summary>
internal sealed class SomeLlama
{
    private SomeLlama(JsonElement config)
    {
        Config = config;
        Spec = ModelSpec.Read(config);
    }

    public JsonElement Config { get; }
    public ModelSpec Spec { get; }
    public StoredTensors Tensors { get; } = new();

    public Model Load() => Model.Load(Tensors, Config);

    /// <summary>Two blocks of width 24, four heads of 6; <paramref name="changes"/> overwrite keys of the config, null removes one.</summary>
    public static SomeLlama Build(int seed, params (string Key, JsonNode? Value)[] changes)
    {
        var tiny = new SomeLlama(ConfigWith(changes));
        var (spec, random) = (tiny.Spec, new Random(seed));
        Add("model.embed_tokens.weight", 1, 0, spec.VocabularySize, spec.HiddenSize);
        if (!spec.TiedHead) Add("lm_head.weight", 0.5, 0, spec.VocabularySize, spec.HiddenSize);
        Add("model.norm.weight", 0.3, 1, spec.HiddenSize);
        for (int b = 0; b < spec.BlockCount; b++)
        {
            Add($"model.layers.{b}.input_layernorm.weight", 0.3, 1, spec.HiddenSize);
            Add($"model.layers.{b}.post_attention_layernorm.weight", 0.3, 1, spec.HiddenSize);
            foreach (var p in spec.Projections(b))
            {
                Add($"{p.Name}.weight", 2 / Math.Sqrt(p.Columns), 0, p.Rows, p.Columns);
                if (p.HasBias) Add($"{p.Name}.bias", 0.5, 0, p.Rows);
            }
        }
        return tiny;

        void Add(string name, double spread, double centre, params long[] shape)
        {
            var values = new float[shape.Aggregate(1L, (a, b) => a * b)];
            for (int i = 0; i < values.Length; i++) values[i] = (float)(centre + spread * (2 * random.NextDouble() - 1));
            tiny.Tensors.Add(name, StoredTensor.FromValues(name, values, shape));
        }
    }

    public static JsonElement ConfigWith(params (string Key, JsonNode? Value)[] changes)
    {
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray("LlamaForCausalLM"),
            ["hidden_size"] = 24,
            ["intermediate_size"] = 40,
            ["num_hidden_layers"] = 2,
            ["num_attention_heads"] = 4,
            ["num_key_value_heads"] = 2,
            ["vocab_size"] = 50,
            ["max_position_embeddings"] = 160,
            ["rms_norm_eps"] = 1e-5,
            ["hidden_act"] = "silu",
            ["eos_token_id"] = 2,
        };
        foreach (var (key, value) in changes)
        {
            if (value is null) config.Remove(key);
            else config[key] = value.DeepClone();
        }
        return JsonSerializer.SerializeToElement(config);
    }

    /// <summary>Seeded ids of the vocabulary.</summary>
    public int[] Ids(int count, int seed = 5)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(Spec.VocabularySize))];
    }
}
