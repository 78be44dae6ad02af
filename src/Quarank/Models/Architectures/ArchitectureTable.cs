using System.Text.Json;

namespace Quarank.Models.Architectures;

/// <summary>The families of models we run: a name in config.json's <c>architectures</c> and the reader of its config.</summary>
internal static class ArchitectureTable
{
    private static readonly Dictionary<string, Func<ConfigReader, ModelSpec>> Readers = new()
    {
        ["Gemma2ForCausalLM"] = Gemma2.Read,
        ["Gemma3ForCausalLM"] = Gemma3.Read,
        ["Gemma3ForConditionalGeneration"] = Gemma3.ReadTextPart,
        ["LlamaForCausalLM"] = Llama.Read,
        ["MistralForCausalLM"] = Mistral.Read,
        ["MixtralForCausalLM"] = Mixtral.Read,
        ["OPTForCausalLM"] = Opt.Read,
        ["Phi3ForCausalLM"] = Phi3.Read,
        ["Qwen2ForCausalLM"] = Qwen2.Read,
        ["Qwen3ForCausalLM"] = Qwen3.Read,
    };

    public static ModelSpec Read(JsonElement config)
    {
        var reader = new ConfigReader(config);
        var names = reader.Texts("architectures");
        if (names.Count != 1)
            throw new InvalidDataException($"config.json: 'architectures' must name one architecture, found {names.Count}; known: {Known}.");
        if (!Readers.TryGetValue(names[0], out var read))
            throw new NotSupportedException($"Architecture '{names[0]}' is not supported; known: {Known}.");
        var spec = read(reader) with { Architecture = names[0], Rotation = RotationSpec.Read(reader) };
        return spec.Rotation is { Centred: true } ? spec with { Norm = NormKind.Rms } : spec;
    }

    private static string Known => string.Join(", ", Readers.Keys.Order(StringComparer.Ordinal));
}
