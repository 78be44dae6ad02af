using Quarank.Checkpoints;

namespace Quarank.Models.Architectures;

/// <summary>Llama 1 to 3 and what shares their config: SmolLM, TinyLlama and others named LlamaForCausalLM.</summary>
internal static class Llama
{
    public static ModelSpec Read(ConfigReader config)
    {
        Switches.RefuseWhatWouldRunWrong(config);

        int hidden = config.PositiveInt("hidden_size"), heads = config.PositiveInt("num_attention_heads");
        int keyValueHeads = config.OptionalPositiveInt("num_key_value_heads") ?? heads;
        if (heads % keyValueHeads != 0)
        {
            throw new InvalidDataException(
                $"config.json: 'num_attention_heads' ({heads}) must be a multiple of 'num_key_value_heads' ({keyValueHeads}).");
        }
        int? given = config.OptionalPositiveInt("head_dim");
        if (given is null && hidden % heads != 0)
            throw new InvalidDataException($"config.json: 'hidden_size' ({hidden}) must be a multiple of 'num_attention_heads' ({heads}).");
        int headSize = given ?? hidden / heads;
        if (headSize % 2 != 0)
            throw new InvalidDataException($"config.json: rotary embeddings need an even head size, found {headSize}.");

        var ends = config.Ids("eos_token_id");
        var begins = config.Ids("bos_token_id");
        return new ModelSpec
        {
            Architecture = config.Texts("architectures")[0],
            HiddenSize = hidden,
            IntermediateSize = config.PositiveInt("intermediate_size"),
            BlockCount = config.PositiveInt("num_hidden_layers"),
            HeadCount = heads,
            KeyValueHeadCount = keyValueHeads,
            HeadSize = headSize,
            VocabularySize = config.PositiveInt("vocab_size"),
            ContextLength = config.PositiveInt("max_position_embeddings"),
            NormEpsilon = (float)config.PositiveNumber("rms_norm_eps", 1e-6),
            Rotary = Rotary.Read(config),
            AttentionBias = config.Flag("attention_bias"),
            MlpBias = config.Flag("mlp_bias"),
            TiedHead = config.Flag("tie_word_embeddings"),
            Type = ReadType(config.Text("dtype") ?? config.Text("torch_dtype")),
            BeginningOfText = begins.Count > 0 ? begins[0] : null,
            EndOfText = ends,
        };
    }

    private static ElementType? ReadType(string? name) => name switch
    {
        null or "auto" => null,
        "float32" => ElementType.F32,
        "float16" => ElementType.F16,
        "bfloat16" => ElementType.BF16,
        _ => throw new NotSupportedException($"config.json: number type '{name}' is not supported; known: float32, float16, bfloat16."),
    };
}
