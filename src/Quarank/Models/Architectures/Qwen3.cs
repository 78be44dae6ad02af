namespace Quarank.Models.Architectures;

/// <summary>Qwen3 is Qwen2 with a head size of its own, normalized queries and keys, and biases only if the config asks.</summary>
internal static class Qwen3
{
    public static ModelSpec Read(ConfigReader config)
    {
        Switches.RefuseWhatWouldRunWrong(config);
        bool bias = config.Flag("attention_bias");
        return Qwen2.WithWindows(Decoder.Read(config), config) with
        {
            HeadSize = config.OptionalPositiveInt("head_dim") ?? 128,
            Rotary = Rotary.Read(config),
            NormalizeQueriesAndKeys = true,
            QueryKeyValueBias = bias,
            AttentionOutputBias = bias,
        };
    }
}
