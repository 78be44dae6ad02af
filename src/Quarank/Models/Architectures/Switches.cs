namespace Quarank.Models.Architectures;

/// <summary>Keys that change what a Llama-like model computes and that we do not compute: refused by name unless they are neutral.</summary>
internal static class Switches
{
    /// <summary>Key, and the value (as JSON) besides null at which it changes nothing.</summary>
    private static readonly (string Key, string[] Neutral)[] Known =
    [
        ("pretraining_tp", ["1"]),
        ("partial_rotary_factor", ["1", "1.0"]),
        ("rope_interleaved", ["false"]),
        ("attn_logit_softcapping", []),
        ("final_logit_softcapping", []),
        ("embedding_multiplier", ["1", "1.0"]),
        ("residual_multiplier", ["1", "1.0"]),
        ("attention_multiplier", []),
        ("logits_scaling", ["1", "1.0"]),
        ("logit_scale", ["1", "1.0"]),
        ("use_qk_norm", ["false"]),
        ("qk_layernorm", ["false"]),
        ("no_rope_layers", ["[]"]),
        ("num_local_experts", ["0"]),
        ("quantization_config", []),
    ];

    public static void RefuseWhatWouldRunWrong(ConfigReader config)
    {
        foreach (var (key, neutral) in Known)
        {
            if (config.Raw(key) is { } value && !neutral.Contains(value)) throw Refusal(key, value);
        }

        if (config.Has("sliding_window") && config.Flag("use_sliding_window", true)) throw Refusal("sliding_window", config.Raw("sliding_window"));
        if (config.Texts("layer_types").FirstOrDefault(t => t != "full_attention") is { } type) throw Refusal("layer_types", $"\"{type}\"");

        string activation = config.Text("hidden_act") ?? "silu";
        if (activation is not ("silu" or "swish"))
            throw new NotSupportedException($"Activation function '{activation}' (hidden_act) is not supported; known: silu.");
    }

    public static NotSupportedException Refusal(string key, string? value) =>
        new($"config.json: '{key}' is {Shorten(value)}, which changes the model's results and is not supported yet.");

    private static string? Shorten(string? value) => value is { Length: > 60 } ? value[..60] + " …" : value;
}
