namespace Quarank.Models.Architectures;

/// <summary>Which blocks see only a window of the text: <c>sliding_window</c>, <c>layer_types</c>, or a family's rule.</summary>
internal static class Windows
{
    private const string Full = "full_attention", Sliding = "sliding_attention";

    /// <summary>The same window, or none, in all blocks; <c>layer_types</c> may say so too, and nothing else.</summary>
    public static ModelSpec Same(ModelSpec spec, ConfigReader config, int? window = null)
    {
        string expected = window is null ? Full : Sliding;
        if (Types(spec, config)?.FirstOrDefault(t => t != expected) is { } other) throw Switches.Refusal("layer_types", $"\"{other}\"");
        return spec with { Window = window };
    }

    /// <summary>A window in the blocks that <c>layer_types</c> names, or in those of <paramref name="rule"/> where there is no such list.</summary>
    /// <param name="window">Null where the config names none.</param>
    public static ModelSpec Some(ModelSpec spec, ConfigReader config, int? window, Func<int, bool> rule)
    {
        bool[] windowed = Types(spec, config) is { } types
            ? [.. types.Select(t => t == Sliding)]
            : [.. Enumerable.Range(0, spec.BlockCount).Select(rule)];
        if (!windowed.Contains(true)) return spec;
        if (window is null) throw new InvalidDataException("config.json: some layers have a sliding window, but 'sliding_window' does not say how long it is.");
        return spec with { Window = window, Windowed = windowed };
    }

    /// <summary>The window of a family that has one where the key is missing; a null there means none.</summary>
    public static int? Length(ConfigReader config, int otherwise) =>
        config.Stands("sliding_window") ? config.OptionalPositiveInt("sliding_window") : otherwise;

    private static IReadOnlyList<string>? Types(ModelSpec spec, ConfigReader config)
    {
        if (!config.Has("layer_types")) return null;
        var types = config.Texts("layer_types");
        if (types.FirstOrDefault(t => t is not (Full or Sliding)) is { } other) throw Switches.Refusal("layer_types", $"\"{other}\"");
        return types.Count == spec.BlockCount ? types : throw new InvalidDataException(
            $"config.json: 'layer_types' lists {types.Count} layers, 'num_hidden_layers' says {spec.BlockCount}.");
    }
}
