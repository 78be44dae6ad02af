namespace Quarank.Models.Architectures;

/// <summary>OPT (Zhang et al. 2022, arXiv:2205.01068): learned positions, layer norms before or after, a plain feed-forward part, biases.</summary>
internal static class Opt
{
    public static ModelSpec Read(ConfigReader config)
    {
        Switches.RefuseWhatWouldRunWrong(config);
        int hidden = config.PositiveInt("hidden_size"), heads = config.PositiveInt("num_attention_heads");
        int width = config.OptionalPositiveInt("word_embed_proj_dim") ?? hidden;
        bool before = config.Flag("do_layer_norm_before", true), bias = config.Flag("enable_bias", true);
        return Windows.Same(Decoder.WithTokens(config, new ModelSpec
        {
            Architecture = "",
            HiddenSize = hidden,
            IntermediateSize = config.PositiveInt("ffn_dim"),
            BlockCount = config.PositiveInt("num_hidden_layers"),
            HeadCount = heads,
            KeyValueHeadCount = heads,
            HeadSize = Decoder.HeadSize(hidden, heads),
            VocabularySize = config.PositiveInt("vocab_size"),
            ContextLength = config.PositiveInt("max_position_embeddings"),
            NormEpsilon = 1e-5f,
            Norm = NormKind.Layer,
            NormPlacement = before ? NormPlacement.Before : NormPlacement.AfterSum,
            NormWeights = config.Flag("layer_norm_elementwise_affine", true),
            FinalNorm = before && !config.Flag("_remove_final_layer_norm"),
            EmbeddingSize = width == hidden ? null : width,
            TiedHead = config.Flag("tie_word_embeddings", true),
            PositionOffset = 2,
            QueryKeyValueBias = bias,
            AttentionOutputBias = bias,
            MlpBias = bias,
            GatedMlp = false,
            Activation = Decoder.ReadActivation(config, "activation_function", "relu"),
            Names = Names,
        }), config);
    }

    private static TensorNames Names { get; } = new()
    {
        Prefixes = ["model.decoder.", "decoder."],
        FinalNorm = "final_layer_norm",
        AttentionNorm = "self_attn_layer_norm",
        AttentionOutput = "out_proj",
        MlpNorm = "final_layer_norm",
        Mlp = "",
        Up = "fc1",
        Down = "fc2",
    };
}
