using System.Text.Json;
using System.Text.Json.Nodes;
using Quarank.Checkpoints;
using Quarank.Models;

namespace Quarank.Tests.Support;

/// <summary>Small models of every family with random weights: a config as transformers writes it and the tensors it asks for, in memory.</summary>
internal sealed class SomeFamily
{
    private static readonly Dictionary<string, string> Configs = new()
    {
        ["llama"] = """{"architectures": ["LlamaForCausalLM"]}""",
        ["mistral"] = """{"architectures": ["MistralForCausalLM"], "sliding_window": 7}""",
        ["mixtral"] = """{"architectures": ["MixtralForCausalLM"], "num_local_experts": 4, "num_experts_per_tok": 2}""",
        ["phi3"] = """{"architectures": ["Phi3ForCausalLM"], "sliding_window": 21, "partial_rotary_factor": 0.5}""",
        ["phi3-longrope"] = """
            {"architectures": ["Phi3ForCausalLM"], "original_max_position_embeddings": 32,
             "rope_scaling": {"type": "longrope", "short_factor": [1, 1.1, 1.2, 1.3], "long_factor": [1.5, 2.5, 3.5, 4.5]}}
            """,
        ["qwen2"] = """{"architectures": ["Qwen2ForCausalLM"], "use_sliding_window": true, "sliding_window": 9, "max_window_layers": 1}""",
        ["qwen3"] = """{"architectures": ["Qwen3ForCausalLM"], "head_dim": 12}""",
        ["gemma2"] = """
            {"architectures": ["Gemma2ForCausalLM"], "hidden_activation": "gelu_pytorch_tanh", "head_dim": 12, "query_pre_attn_scalar": 10,
             "sliding_window": 5, "attn_logit_softcapping": 4.0, "final_logit_softcapping": 3.0}
            """,
        ["gemma3"] = """
            {"architectures": ["Gemma3ForCausalLM"], "hidden_activation": "gelu_pytorch_tanh", "head_dim": 12, "query_pre_attn_scalar": 12,
             "num_hidden_layers": 3, "sliding_window": 5, "sliding_window_pattern": 3, "rope_theta": 20000.0, "rope_local_base_freq": 50.0}
            """,
        ["opt"] = """{"architectures": ["OPTForCausalLM"], "ffn_dim": 40}""",
        ["opt-post-norm"] = """{"architectures": ["OPTForCausalLM"], "ffn_dim": 40, "do_layer_norm_before": false, "word_embed_proj_dim": 16}""",
    };

    private readonly Random _random;

    private SomeFamily(JsonElement config, int seed)
    {
        (Config, Spec, _random) = (config, ModelSpec.Read(config), new Random(seed));
        AddEnds();
        for (int b = 0; b < Spec.BlockCount; b++) AddBlock(b);
    }

    public static IEnumerable<string> Names => Configs.Keys;

    public JsonElement Config { get; }
    public ModelSpec Spec { get; }
    public StoredTensors Tensors { get; } = new();

    public Model Load() => Model.Load(Tensors, Config);

    /// <summary>A model by its name in <see cref="Names"/>; <paramref name="changes"/> overwrite keys of the config, null removes one.</summary>
    public static SomeFamily Build(string name, int seed = 1, params (string Key, JsonNode? Value)[] changes) => new(ConfigOf(name, changes), seed);

    /// <summary>Two blocks of width 32 (four heads of 8, two for keys and values), 96 tokens, 160 positions; and what the family has of its own.</summary>
    public static JsonElement ConfigOf(string name, params (string Key, JsonNode? Value)[] changes)
    {
        var config = new JsonObject
        {
            ["hidden_size"] = 32,
            ["intermediate_size"] = 40,
            ["num_hidden_layers"] = 2,
            ["num_attention_heads"] = 4,
            ["num_key_value_heads"] = 2,
            ["vocab_size"] = 130,
            ["max_position_embeddings"] = 160,
            ["eos_token_id"] = 129,
        };
        foreach (var (key, value) in JsonNode.Parse(Configs[name])!.AsObject()) config[key] = value?.DeepClone();
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

    private void AddEnds()
    {
        var names = Spec.Names;
        Add($"{names.Embedding}.weight", 0.3, 0, Spec.VocabularySize, Spec.TableWidth);
        if (!Spec.TiedHead) Add($"{names.Head}.weight", 0.5, 0, Spec.VocabularySize, Spec.TableWidth);
        if (Spec.PositionOffset is { } offset) Add($"{names.Positions}.weight", 0.3, 0, Spec.ContextLength + offset, Spec.HiddenSize);
        if (Spec.FinalNorm) AddNorm(names.FinalNorm, Spec.HiddenSize);
        if (Spec.EmbeddingSize is not { } width) return;
        Add($"{names.ProjectIn}.weight", 0.4, 0, Spec.HiddenSize, width);
        Add($"{names.ProjectOut}.weight", 0.4, 0, width, Spec.HiddenSize);
    }

    private void AddBlock(int index)
    {
        var (names, name) = (Spec.Names, Spec.Names.Block(index));
        AddNorm($"{name}.{names.AttentionNorm}", Spec.HiddenSize);
        AddNorm($"{name}.{names.MlpNorm}", Spec.HiddenSize);
        if (Spec.NormPlacement == NormPlacement.BeforeAndAfter)
        {
            AddNorm($"{name}.{names.AttentionOutputNorm}", Spec.HiddenSize);
            AddNorm($"{name}.{names.MlpOutputNorm}", Spec.HiddenSize);
        }
        if (Spec.NormalizeQueriesAndKeys)
        {
            AddNorm($"{name}.{names.Attention}q_norm", Spec.HeadSize);
            AddNorm($"{name}.{names.Attention}k_norm", Spec.HeadSize);
        }
        if (Spec.ExpertCount > 0) Add($"{name}.{names.Mlp}{names.Router}.weight", 0.5, 0, Spec.ExpertCount, Spec.HiddenSize);
        foreach (var p in Spec.Projections(index))
        {
            Add($"{p.Name}.weight", 1.5 / Math.Sqrt(p.Columns), 0, p.Rows, p.Columns);
            if (p.HasBias) Add($"{p.Name}.bias", 0.3, 0, p.Rows);
        }
    }

    private void AddNorm(string name, int size)
    {
        Add($"{name}.weight", 0.3, Spec.Norm == NormKind.RmsPlusOne ? 0 : 1, size);
        if (Spec.Norm == NormKind.Layer) Add($"{name}.bias", 0.3, 0, size);
    }

    private void Add(string name, double spread, double centre, params long[] shape)
    {
        var values = new float[shape.Aggregate(1L, (a, b) => a * b)];
        foreach (ref float v in values.AsSpan()) v = (float)(centre + spread * (2 * _random.NextDouble() - 1));
        Tensors.Add(name, StoredTensor.FromValues(name, values, shape));
    }
}
