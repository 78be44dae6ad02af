namespace Quarank.Models.Architectures;

/// <summary>
/// Gemma 2 (Gemma Team 2024, arXiv:2408.00118): norms of 1 + w before and after each half, scaled embeddings, bounded scores and logits, a
/// window in every other block.
/// </summary>
internal static class Gemma2
{
    public static ModelSpec Read(ConfigReader config)
    {
        Switches.RefuseWhatWouldRunWrong(config, [.. Understood]);
        var spec = Common(config) with { Rotary = Rotary.Read(config) };
        return Windows.Some(spec, config, Windows.Length(config, 4096), block => block % 2 == 0);
    }

    /// <summary>Keys that Gemma has and Llama has not.</summary>
    public static IReadOnlyList<string> Understood { get; } = ["attn_logit_softcapping", "final_logit_softcapping", "query_pre_attn_scalar"];

    /// <summary>What the second and the third Gemma share.</summary>
    /// <param name="caps">The bounds of scores and of logits where the config has no such keys.</param>
    public static ModelSpec Common(ConfigReader config, (float? Scores, float? Logits)? caps = null)
    {
        var spec = Decoder.Read(config, tied: true, activation: "hidden_activation", likely: "gelu_pytorch_tanh");
        var (scores, logits) = caps ?? (50f, 30f);
        bool bias = config.Flag("attention_bias");
        return spec with
        {
            HeadSize = config.OptionalPositiveInt("head_dim") ?? 256,
            Norm = NormKind.RmsPlusOne,
            NormPlacement = NormPlacement.BeforeAndAfter,
            EmbeddingScale = MathF.Sqrt(spec.HiddenSize),
            AttentionScale = 1 / Math.Sqrt(config.PositiveNumber("query_pre_attn_scalar", 256)),
            AttentionCap = Cap(config, "attn_logit_softcapping", scores),
            LogitCap = Cap(config, "final_logit_softcapping", logits),
            QueryKeyValueBias = bias,
            AttentionOutputBias = bias,
            Names = new() { MlpNorm = "pre_feedforward_layernorm" },
        };
    }

    private static float? Cap(ConfigReader config, string key, float? otherwise) =>
        !config.Stands(key) ? otherwise : config.Has(key) ? (float)config.PositiveNumber(key) : null;
}
