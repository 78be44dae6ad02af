using System.Text.Json;
using System.Text.Unicode;

namespace Quarank.Checkpoints;

/// <summary>A JSON file whose root is an object, with duplicate keys and broken text refused.</summary>
internal static class JsonFile
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <exception cref="InvalidDataException">The file is not JSON, or not an object; the message has file and position.</exception>
    public static JsonElement ReadObject(string path)
    {
        var bytes = WithoutMark(File.ReadAllBytes(path));
        if (!Utf8.IsValid(bytes.Span)) throw new InvalidDataException($"{path}: not valid UTF-8, as JSON must be.");
        try
        {
            CheckText(path, bytes.Span);
            using var document = JsonDocument.Parse(bytes, Strict);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? document.RootElement.Clone()
                : throw new InvalidDataException($"{path}: expected a JSON object, found {document.RootElement.ValueKind}.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: not valid JSON: {e.Message}", e);   // whose message has line and position
        }
    }

    /// <summary>Half a character (\ud800) parses, and would only fail where somebody asks for the string.</summary>
    private static void CheckText(string path, ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        try
        {
            while (reader.Read())
                if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String && reader.ValueIsEscaped) reader.GetString();
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidDataException($"{path}: the string at byte {reader.TokenStartIndex} is not valid Unicode.", e);
        }
    }

    // Some editors put the UTF-8 byte-order mark in front.
    private static ReadOnlyMemory<byte> WithoutMark(byte[] bytes) => bytes.AsMemory(bytes.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0);
}
