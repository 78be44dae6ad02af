namespace Quarank.Models.Architectures;

/// <summary>Llama 1 to 3 and what shares their config: SmolLM, TinyLlama and others named LlamaForCausalLM.</summary>
internal static class Llama
{
    public static ModelSpec Read(ConfigReader config)
    {
        Switches.RefuseWhatWouldRunWrong(config);
        if (config.Has("sliding_window") && config.Flag("use_sliding_window", true))
            throw Switches.Refusal("sliding_window", config.Raw("sliding_window"));
        bool bias = config.Flag("attention_bias");
        return Windows.Same(Decoder.Read(config), config) with
        {
            Rotary = Rotary.Read(config),
            QueryKeyValueBias = bias,
            AttentionOutputBias = bias,
            MlpBias = config.Flag("mlp_bias"),
        };
    }
}
