using System.Text;
using System.Text.Json;

namespace Quarank.Tokenizers.Chat;

/// <summary>Finds the chat template in a model folder.</summary>
internal static class ChatTemplateFiles
{
    private const string Default = "default";

    public static ChatTemplate? Load(string folder, string? name)
    {
        var tokens = TokenizerConfig.Read(folder).Tokens;
        if (name is not null && File.Exists(name)) return new(ReadText(name), name, tokens);

        Dictionary<string, (string Source, string File)> found = new(StringComparer.Ordinal);
        // The first file that has a template of a name gives it, as in transformers.
        if (TokenizerFiles.Find(folder, "chat_template.jinja") is { } jinja) found[Default] = (ReadText(jinja), jinja);
        foreach (string file in (string[])["tokenizer_config.json", "chat_template.json"])
        {
            if (TokenizerFiles.Find(folder, file) is not { } path) continue;
            foreach (var (own, source) in Named(JsonPart.Parse(path)["chat_template"])) found.TryAdd(own, (source, path));
        }
        if (found.TryGetValue(name ?? Default, out var template)) return new(template.Source, template.File, tokens);
        if (found.Count == 0 && name is null) return null;
        throw new InvalidDataException(
            $"{folder}: there is no chat template '{name ?? Default}'; found: {string.Join(", ", found.Keys.DefaultIfEmpty("none"))}.");
    }

    private static IEnumerable<(string Name, string Source)> Named(JsonPart templates)
    {
        if (!templates.Exists) yield break;
        if (templates.Element.ValueKind == JsonValueKind.String)
        {
            yield return (Default, templates.Text());
            yield break;
        }
        foreach (var item in templates.Items()) yield return (item["name"].Text(), item["template"].Text());
    }

    private static string ReadText(string path)
    {
        using var reader = new StreamReader(TokenizerFiles.Open(path), new UTF8Encoding(false, throwOnInvalidBytes: true));
        try { return reader.ReadToEnd(); }
        catch (DecoderFallbackException e) { throw new InvalidDataException($"{path}: not valid UTF-8: {e.Message}", e); }
    }
}
