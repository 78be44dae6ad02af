namespace Quarank.Models.Architectures;

/// <summary>Qwen2 is Llama with biases on queries, keys and values, and a window in the upper blocks if the config switches it on.</summary>
internal static class Qwen2
{
    public static ModelSpec Read(ConfigReader config)
    {
        Switches.RefuseWhatWouldRunWrong(config);
        return WithWindows(Decoder.Read(config), config) with { Rotary = Rotary.Read(config), QueryKeyValueBias = true };
    }

    public static ModelSpec WithWindows(ModelSpec spec, ConfigReader config)
    {
        int? window = config.Flag("use_sliding_window") ? Windows.Length(config, 4096) : null;
        int first = config.Count("max_window_layers", 28);
        return Windows.Some(spec, config, window, block => window is not null && block >= first);
    }
}
