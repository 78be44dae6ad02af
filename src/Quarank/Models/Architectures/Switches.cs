namespace Quarank.Models.Architectures;

/// <summary>Keys that change what a model computes and that a family does not compute: refused by name unless they are neutral.</summary>
internal static class Switches
{
    /// <summary>Key, and the value (as JSON) besides null at which it changes nothing.</summary>
    private static readonly (string Key, string[] Neutral)[] Known =
    [
        ("pretraining_tp", ["1"]),
        ("partial_rotary_factor", ["1", "1.0"]),
        ("rope_interleaved", ["false"]),
        ("rope_local_base_freq", []),
        ("attn_logit_softcapping", []),
        ("final_logit_softcapping", []),
        ("query_pre_attn_scalar", []),
        ("embedding_multiplier", ["1", "1.0"]),
        ("residual_multiplier", ["1", "1.0"]),
        ("attention_multiplier", []),
        ("logits_scaling", ["1", "1.0"]),
        ("logit_scale", ["1", "1.0"]),
        ("use_qk_norm", ["false"]),
        ("qk_layernorm", ["false"]),
        ("no_rope_layers", ["[]"]),
        ("attention_chunk_size", []),
        ("num_local_experts", ["0"]),
        ("num_experts", ["0"]),
        ("n_routed_experts", ["0"]),
        ("use_bidirectional_attention", ["false"]),
        ("is_encoder_decoder", ["false"]),
        ("quantization_config", []),
    ];

    /// <param name="understood">Keys of the list that the family computes.</param>
    public static void RefuseWhatWouldRunWrong(ConfigReader config, params string[] understood)
    {
        foreach (var (key, neutral) in Known)
        {
            if (config.Raw(key) is { } value && !neutral.Contains(value) && !understood.Contains(key)) throw Refusal(key, value);
        }
    }

    public static NotSupportedException Refusal(string key, string? value) =>
        new($"config.json: '{key}' is {Shorten(value)}, which changes the model's results and is not supported yet.");

    private static string? Shorten(string? value) => value is { Length: > 80 } ? value[..80] + " …" : value;
}
