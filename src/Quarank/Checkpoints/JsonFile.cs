using System.Text.Json;

namespace Quarank.Checkpoints;

/// <summary>A JSON file whose root is an object, with duplicate keys refused.</summary>
internal static class JsonFile
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <exception cref="InvalidDataException">The file is not JSON, or not an object; the message has file and position.</exception>
    public static JsonElement ReadObject(string path)
    {
        try
        {
            byte[] bytes = File.ReadAllBytes(path);
            using var document = JsonDocument.Parse(WithoutMark(bytes), Strict);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? document.RootElement.Clone()
                : throw new InvalidDataException($"{path}: expected a JSON object, found {document.RootElement.ValueKind}.");
        }
        catch (JsonException e)
        {
            string where = e.LineNumber is { } line ? $" at line {line + 1}, byte {e.BytePositionInLine + 1}" : "";
            throw new InvalidDataException($"{path}: not valid JSON{where}: {e.Message}", e);
        }
    }

    // Some editors put the UTF-8 byte-order mark in front.
    private static ReadOnlyMemory<byte> WithoutMark(byte[] bytes) => bytes.AsMemory(bytes.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0);
}
