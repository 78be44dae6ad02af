using Quarank.Checkpoints;

namespace Quarank.Models.Architectures;

/// <summary>What Llama's config shares with those of most families after it.</summary>
internal static class Decoder
{
    /// <summary>Sizes, counts, special tokens and the activation; all switches at Llama's settings, without positions and biases.</summary>
    /// <param name="epsilon">Of the norms, where the config names none.</param>
    /// <param name="tied">Whether the head is tied where the config does not say.</param>
    /// <param name="activation">The key that names the activation function.</param>
    /// <param name="likely">The activation function where the key is missing.</param>
    public static ModelSpec Read(
        ConfigReader config, double epsilon = 1e-6, bool tied = false, string activation = "hidden_act", string likely = "silu")
    {
        int hidden = config.PositiveInt("hidden_size"), heads = config.PositiveInt("num_attention_heads");
        int keyValueHeads = config.OptionalPositiveInt("num_key_value_heads") ?? heads;
        if (heads % keyValueHeads != 0)
        {
            throw new InvalidDataException(
                $"config.json: 'num_attention_heads' ({heads}) must be a multiple of 'num_key_value_heads' ({keyValueHeads}).");
        }
        int headSize = config.OptionalPositiveInt("head_dim") ?? HeadSize(hidden, heads);
        if (headSize % 2 != 0)
            throw new InvalidDataException($"config.json: rotary embeddings need an even head size, found {headSize}.");

        return WithTokens(config, new ModelSpec
        {
            Architecture = "",
            HiddenSize = hidden,
            IntermediateSize = config.PositiveInt("intermediate_size"),
            BlockCount = config.PositiveInt("num_hidden_layers"),
            HeadCount = heads,
            KeyValueHeadCount = keyValueHeads,
            HeadSize = headSize,
            VocabularySize = config.PositiveInt("vocab_size"),
            ContextLength = config.PositiveInt("max_position_embeddings"),
            NormEpsilon = (float)config.PositiveNumber("rms_norm_eps", epsilon),
            TiedHead = config.Flag("tie_word_embeddings", tied),
            Activation = ReadActivation(config, activation, likely),
        });
    }

    /// <summary>hidden / heads, which must come out even.</summary>
    public static int HeadSize(int hidden, int heads) => hidden % heads == 0 ? hidden / heads
        : throw new InvalidDataException($"config.json: 'hidden_size' ({hidden}) must be a multiple of 'num_attention_heads' ({heads}).");

    /// <summary>Adds the special tokens and the number type.</summary>
    public static ModelSpec WithTokens(ConfigReader config, ModelSpec spec)
    {
        var begins = config.Ids("bos_token_id");
        return spec with
        {
            Type = ReadType(config.Text("dtype") ?? config.Text("torch_dtype")),
            BeginningOfText = begins.Count > 0 ? begins[0] : null,
            EndOfText = config.Ids("eos_token_id"),
        };
    }

    public static Activation ReadActivation(ConfigReader config, string key, string otherwise) => (config.Text(key) ?? otherwise) switch
    {
        "silu" or "swish" => Activation.Silu,
        "relu" => Activation.Relu,
        "gelu_pytorch_tanh" or "gelu_new" => Activation.GeluTanh,
        var other => throw new NotSupportedException(
            $"Activation function '{other}' ({key}) is not supported; known: silu, relu, gelu_pytorch_tanh, gelu_new."),
    };

    private static ElementType? ReadType(string? name) => name switch
    {
        null or "auto" => null,
        "float32" => ElementType.F32,
        "float16" => ElementType.F16,
        "bfloat16" => ElementType.BF16,
        _ => throw new NotSupportedException($"config.json: number type '{name}' is not supported; known: float32, float16, bfloat16."),
    };
}
