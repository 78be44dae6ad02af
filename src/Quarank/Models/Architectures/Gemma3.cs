using System.Text.Json;

namespace Quarank.Models.Architectures;

/// <summary>
/// Gemma 3 (Gemma Team 2025, arXiv:2503.19786) is Gemma 2 with normalized queries and keys instead of bounds, five blocks with a window to
/// one without, and two rotary bases.
/// </summary>
internal static class Gemma3
{
    /// <summary>What configs of the larger models leave out.</summary>
    private static readonly JsonElement Defaults = JsonSerializer.SerializeToElement(new Dictionary<string, int>
    {
        ["num_attention_heads"] = 8,
        ["num_key_value_heads"] = 4,
        ["head_dim"] = 256,
        ["vocab_size"] = 262_208,
        ["max_position_embeddings"] = 131_072,
    });

    public static ModelSpec Read(ConfigReader config)
    {
        config = config.With(Defaults);
        Switches.RefuseWhatWouldRunWrong(config, [.. Gemma2.Understood, "rope_local_base_freq"]);
        int pattern = config.OptionalPositiveInt("sliding_window_pattern") ?? config.OptionalPositiveInt("_sliding_window_pattern") ?? 6;
        var spec = Gemma2.Common(config, (null, null)) with { NormalizeQueriesAndKeys = true };
        var (full, windowed) = Rotary.ReadPair(config);
        return Windows.Some(spec, config, Windows.Length(config, 4096), block => (block + 1) % pattern != 0) with
        {
            Rotary = full,
            WindowRotary = windowed,
        };
    }

    /// <summary>The language model of one that also sees pictures, which are left out: text alone passes through nothing else.</summary>
    public static ModelSpec ReadTextPart(ConfigReader config)
    {
        Switches.RefuseWhatWouldRunWrong(config);
        var text = config.Section("text_config") ?? throw new InvalidDataException("config.json: 'text_config' is missing.");
        var spec = Read(text);
        var outer = Decoder.WithTokens(config, spec);
        return spec with
        {
            Type = spec.Type ?? outer.Type,
            BeginningOfText = spec.BeginningOfText ?? outer.BeginningOfText,
            EndOfText = outer.EndOfText.Count > 0 ? outer.EndOfText : spec.EndOfText,
            TiedHead = config.Flag("tie_word_embeddings", true),
            Names = spec.Names with
            {
                Prefixes = ["language_model.model.", "model.language_model.", "model."],
                Heads = ["language_model.lm_head", "lm_head"],
            },
        };
    }
}
