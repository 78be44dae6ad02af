namespace Quarank.Models.Architectures;

/// <summary>
/// Rotary settings as transformers write them: <c>rope_theta</c> and <c>rope_scaling</c> at the top (until version 4), or
/// both in <c>rope_parameters</c> (from version 5), there by type of layer where types differ.
/// </summary>
internal static class Rotary
{
    private const string Full = "full_attention", Sliding = "sliding_attention";

    /// <param name="theta">Where the config names none.</param>
    public static RotarySpec Read(ConfigReader config, double theta = 10_000)
    {
        var section = Section(config);
        if (section is { } s && (s.Has(Full) || s.Has(Sliding)))
            throw new NotSupportedException("config.json: rotary settings that differ by layer type are not supported for this architecture.");
        if (Part(section) is { } part && part != 1)
            throw Switches.Refusal("rope_parameters.partial_rotary_factor", section?.Raw("partial_rotary_factor"));
        return Read(section, config, config.PositiveNumber("rope_theta", theta), longTexts: false);
    }

    /// <summary>As <see cref="Read(ConfigReader, double)"/>, where a part of each head may stay unturned, and every pair may have its own scale.</summary>
    public static RotarySpec ReadPartial(ConfigReader config, int headSize)
    {
        var section = Section(config);
        double part = Part(section) ?? config.PositiveNumber("partial_rotary_factor", 1);
        var spec = Read(section, config, config.PositiveNumber("rope_theta", 10_000), longTexts: true) with { Part = part };
        int size = spec.Size(headSize);
        if (part > 1 || size < 2 || size % 2 != 0)
            throw new InvalidDataException($"config.json: 'partial_rotary_factor' ({part}) must turn an even part of the {headSize} features of a head.");
        if (spec.Scaling is LongScaling scaling && (scaling.InShortTexts.Count != size / 2 || scaling.InLongTexts.Count != size / 2))
            throw new InvalidDataException($"config.json: 'short_factor' and 'long_factor' must list {size / 2} numbers, found {scaling.InShortTexts.Count} and {scaling.InLongTexts.Count}.");
        return spec;
    }

    /// <summary>The rotations of layers without and with a window.</summary>
    public static (RotarySpec Full, RotarySpec Windowed) ReadPair(ConfigReader config)
    {
        double theta = config.PositiveNumber("rope_theta", 1e6), local = config.PositiveNumber("rope_local_base_freq", 10_000);
        var section = Section(config);
        if (section is not { } s || !(s.Has(Full) || s.Has(Sliding)))
            return (Read(section, config, theta, longTexts: false), new RotarySpec(local));
        return (Read(s.Section(Full), config, theta, longTexts: false), Read(s.Section(Sliding), config, local, longTexts: false));
    }

    private static ConfigReader? Section(ConfigReader config) => config.Section("rope_parameters") ?? config.Section("rope_scaling");

    private static double? Part(ConfigReader? section) => section?.PositiveNumber("partial_rotary_factor", 1) is { } part && section.Value.Has("partial_rotary_factor") ? part : null;

    private static RotarySpec Read(ConfigReader? section, ConfigReader config, double theta, bool longTexts)
    {
        if (section is not { } s) return new RotarySpec(theta);
        string type = s.Text("rope_type") ?? s.Text("type") ?? "default";
        return new RotarySpec(s.PositiveNumber("rope_theta", theta), type switch
        {
            "default" => null,
            "linear" => new LinearScaling(s.PositiveNumber("factor")),
            "llama3" => ReadLlama3(s, config),
            "longrope" or "su" when longTexts => ReadLong(s, config),
            _ => throw new NotSupportedException($"Rotary embedding type '{type}' is not supported; known: default, linear, llama3{(longTexts ? ", longrope" : "")}."),
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

    /// <summary>The magnitude is √(1 + ln s / ln original), s being how many times the context was stretched.</summary>
    private static LongScaling ReadLong(ConfigReader section, ConfigReader config)
    {
        foreach (string key in (string[])["short_mscale", "long_mscale"])
            if (section.Has(key)) throw Switches.Refusal($"rope_scaling.{key}", section.Raw(key));

        int original = section.OptionalPositiveInt("original_max_position_embeddings") ?? config.PositiveInt("original_max_position_embeddings");
        double stretch = (double)config.PositiveInt("max_position_embeddings") / original, said = section.PositiveNumber("factor", stretch);
        if (Math.Abs(said - stretch) > 1e-6 * stretch)   // versions of transformers differ in which of the two they follow
            throw Switches.Refusal("rope_scaling.factor", $"{said}, not the {stretch} by which 'max_position_embeddings' exceeds the original");
        double magnitude = stretch <= 1 ? 1 : Math.Sqrt(1 + Math.Log(stretch) / Math.Log(original));
        return new LongScaling(section.PositiveNumbers("short_factor"), section.PositiveNumbers("long_factor"), original,
            section.PositiveNumber("attention_factor", magnitude));
    }
}
