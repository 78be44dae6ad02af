using System.Text.Json;

namespace Quarank.Cli.Commands;

/// <summary>The tokens that end an answer by generation_config.json, whose list is longer than that of config.json in many chat models.</summary>
internal static class EndTokens
{
    /// <exception cref="InvalidDataException">The file is no JSON, or eos_token_id is neither an id nor a list of them.</exception>
    public static IReadOnlyList<int> Read(string folder)
    {
        string path = Path.Combine(folder, "generation_config.json");
        if (!File.Exists(path)) return [];
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            if (!document.RootElement.TryGetProperty("eos_token_id", out var ids) || ids.ValueKind == JsonValueKind.Null) return [];
            return ids.ValueKind == JsonValueKind.Array ? [.. ids.EnumerateArray().Select(id => id.GetInt32())] : [ids.GetInt32()];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"{path}: expected JSON with an id or a list of ids as eos_token_id: {e.Message}", e);
        }
    }
}
