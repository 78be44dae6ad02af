using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace Quarank.Evaluation.Tasks.Data;

/// <summary>The rows of a data file: JSON Lines, a JSON list, CSV with a header, parquet, or the raw text of WikiText.</summary>
internal static class DocumentFile
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>Endings of the files that are read, in the order in which they are tried.</summary>
    public static IReadOnlyList<string> Endings { get; } = [".jsonl", ".jsonl.gz", ".json", ".json.gz", ".parquet", ".csv", ".raw"];

    /// <exception cref="InvalidDataException">The file is damaged; the message names it and the row.</exception>
    public static IReadOnlyList<Document> Read(string path)
    {
        if (path.EndsWith(".parquet", StringComparison.Ordinal)) return ParquetFile.Read(path);
        string text = ReadText(path);
        if (path.EndsWith(".csv", StringComparison.Ordinal)) return CsvFile.Read(path, text);
        if (path.EndsWith(".raw", StringComparison.Ordinal)) return [.. WikiPages.Of(text).Select((page, i) => Page(path, page, i))];
        return WithLabels(path, text.AsSpan().TrimStart().StartsWith("[") ? ReadList(path, text) : ReadLines(path, text));
    }

    private static Document Page(string path, string page, int i) =>
        new(JsonSerializer.SerializeToElement(new Dictionary<string, string> { ["page"] = page }), $"{path}, page {i + 1}");

    private static string ReadText(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            using Stream plain = path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file;
            using var reader = new StreamReader(plain, Strict);
            return reader.ReadToEnd();
        }
        catch (DecoderFallbackException e)
        {
            throw new InvalidDataException($"{path}: the text is not UTF-8 ({e.Message})", e);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{path}: the gzip stream is damaged ({e.Message})", e);
        }
    }

    private static List<Document> ReadLines(string path, string text)
    {
        var documents = new List<Document>();
        int number = 0;
        foreach (string line in text.Split('\n'))
        {
            number++;
            if (!string.IsNullOrWhiteSpace(line)) documents.Add(Parse(line, $"{path}, line {number}"));
        }
        return documents;
    }

    private static List<Document> ReadList(string path, string text)
    {
        try
        {
            using var list = JsonDocument.Parse(text);
            return [.. list.RootElement.EnumerateArray().Select((row, i) => Row(row.Clone(), $"{path}, row {i + 1}"))];
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: not valid JSON: {e.Message}", e);
        }
    }

    private static Document Parse(string line, string origin)
    {
        try
        {
            using var row = JsonDocument.Parse(line);
            return Row(row.RootElement.Clone(), origin);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{origin} is not JSON: {e.Message}", e);
        }
    }

    private static Document Row(JsonElement row, string origin) => row.ValueKind == JsonValueKind.Object
        ? new(row, origin)
        : throw new InvalidDataException($"{origin}: expected a JSON object, found {row.ValueKind}.");

    /// <summary>PIQA's authors keep the labels beside the questions: dev.jsonl and dev-labels.lst, a line each.</summary>
    private static List<Document> WithLabels(string path, List<Document> documents)
    {
        string labelFile = path[..path.LastIndexOf(".json", StringComparison.Ordinal)] + "-labels.lst";
        if (documents.Count == 0 || documents[0].Has("label") || !File.Exists(labelFile)) return documents;
        string[] labels = [.. File.ReadLines(labelFile).Where(l => l.Trim().Length > 0)];
        if (labels.Length != documents.Count)
            throw new InvalidDataException($"{labelFile}: {labels.Length} labels for the {documents.Count} rows of {Path.GetFileName(path)}.");
        return [.. documents.Zip(labels, (d, label) => d with { Fields = Add(d.Fields, "label", label.Trim()) })];
    }

    private static JsonElement Add(JsonElement row, string name, string value)
    {
        var fields = row.EnumerateObject().ToDictionary(p => p.Name, p => p.Value);
        fields[name] = JsonSerializer.SerializeToElement(value);
        return JsonSerializer.SerializeToElement(fields);
    }
}
