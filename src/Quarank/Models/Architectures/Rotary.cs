namespace Quarank.Models.Architectures;

/// <summary>
/// Rotary settings as transformers write them: <c>rope_theta</c> and <c>rope_scaling</c> at the top (until version 4), or
/// both in <c>rope_parameters</c> (from version 5).
/// </summary>
internal static class Rotary
{
    public static RotarySpec Read(ConfigReader config)
    {
        var section = config.Section("rope_parameters") ?? config.Section("rope_scaling");
        double outer = config.PositiveNumber("rope_theta", 10_000);
        if (section is not { } s) return new RotarySpec(outer);

        if (s.Has("full_attention") || s.Has("sliding_attention"))
            throw new NotSupportedException("config.json: rotary settings that differ by layer type are not supported for this architecture.");
        if (s.PositiveNumber("partial_rotary_factor", 1) != 1) throw Switches.Refusal("rope_parameters.partial_rotary_factor", s.Raw("partial_rotary_factor"));

        string type = s.Text("rope_type") ?? s.Text("type") ?? "default";
        return new RotarySpec(s.PositiveNumber("rope_theta", outer), type switch
        {
            "default" => null,
            "linear" => new LinearScaling(s.PositiveNumber("factor")),
            "llama3" => ReadLlama3(s, config),
            _ => throw new NotSupportedException($"Rotary embedding type '{type}' is not supported; known: default, linear, llama3."),
        });
    }

    private static Llama3Scaling ReadLlama3(ConfigReader section, ConfigReader config)
    {
        var scaling = new Llama3Scaling(
            section.PositiveNumber("factor"),
            section.PositiveNumber("low_freq_factor"),
            section.PositiveNumber("high_freq_factor"),
            section.PositiveNumber("original_max_position_embeddings", config.PositiveInt("max_position_embeddings")));
        return scaling.HighFactor > scaling.LowFactor
            ? scaling
            : throw new InvalidDataException(
                $"config.json: 'high_freq_factor' ({scaling.HighFactor}) must be above 'low_freq_factor' ({scaling.LowFactor}).");
    }
}
