using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace Quarank.Pipeline;

/// <summary>A part of a document; a document is the piece that begins it and the ones up to the next beginning.</summary>
public readonly record struct TextPiece(string Text, bool BeginsDocument);

/// <summary>
/// Texts for calibration: a plain file is one document, a line of JSON Lines (field <c>text</c>) is one, a folder is all its
/// files.
/// </summary>
public static class TextFiles
{
    private const int PieceLength = 1 << 20;
    private static readonly string[] Plain = [".txt", ".raw", ".md"];
    private static readonly string[] JsonLines = [".jsonl", ".jsonl.gz", ".json.gz"];
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>The files that <paramref name="paths"/> name, folders replaced by what they hold, in ordinal order.</summary>
    public static IReadOnlyList<string> List(IEnumerable<string> paths)
    {
        var files = new List<string>();
        foreach (string path in paths)
        {
            if (Directory.Exists(path))
            {
                var inside = Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Where(IsText)
                    .Order(StringComparer.Ordinal).ToList();
                if (inside.Count == 0) throw new InvalidDataException($"{path}: the folder holds no text; read are {Known}.");
                files.AddRange(inside);
            }
            else if (!File.Exists(path))
                throw new FileNotFoundException($"{path}: there is no such file or folder of calibration texts.", path);
            else if (!IsText(path)) throw new NotSupportedException($"{path}: calibration texts are {Known}.");
            else files.Add(path);
        }
        return files;
    }

    /// <summary>All documents of the files, in order, in pieces of about a million characters.</summary>
    public static IEnumerable<TextPiece> Read(IEnumerable<string> files) =>
        files.SelectMany(file => Ends(file, JsonLines) ? ReadLines(file) : ReadPlain(file));

    /// <summary>All documents of the files, in order, each whole.</summary>
    public static IEnumerable<string> ReadDocuments(IEnumerable<string> files)
    {
        var document = new StringBuilder();
        bool any = false;
        foreach (var piece in Read(files))
        {
            if (piece.BeginsDocument && any)
            {
                yield return document.ToString();
                document.Clear();
            }
            document.Append(piece.Text);
            any = true;
        }
        if (any) yield return document.ToString();
    }

    private static string Known =>
        $"{string.Join(", ", Plain)} (a file is a document) and {string.Join(", ", JsonLines)} (a line is one, field \"text\")";

    private static bool IsText(string path) => Ends(path, Plain) || Ends(path, JsonLines);

    private static bool Ends(string path, string[] endings) =>
        Array.Exists(endings, e => path.EndsWith(e, StringComparison.OrdinalIgnoreCase));

    private static IEnumerable<TextPiece> ReadPlain(string path)
    {
        using var reader = new StreamReader(path, Strict);
        var buffer = new char[PieceLength + 1];
        for (bool begins = true; ; begins = false)
        {
            int n = Guarded(path, () => reader.ReadBlock(buffer, 0, PieceLength));
            if (n > 0 && char.IsHighSurrogate(buffer[n - 1])) n += Guarded(path, () => reader.Read(buffer, n, 1));
            if (n > 0 || begins) yield return new(new string(buffer, 0, n), begins);
            if (n < PieceLength) yield break;
        }
    }

    private static IEnumerable<TextPiece> ReadLines(string path)
    {
        using var file = File.OpenRead(path);
        using Stream plain = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)
            ? new GZipStream(file, CompressionMode.Decompress)
            : file;
        using var reader = new StreamReader(plain, Strict);
        for (int number = 1; Guarded(path, reader.ReadLine) is { } line; number++)
            if (!string.IsNullOrWhiteSpace(line)) yield return new(TextOf(line, path, number), true);
    }

    private static string TextOf(string line, string path, int number)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            if (json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("text", out var text)
                && text.ValueKind == JsonValueKind.String)
                return text.GetString()!;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{path}: line {number} is not JSON: {e.Message}", e);
        }
        throw new InvalidDataException($"{path}: line {number} has no string field \"text\".");
    }

    private static T Guarded<T>(string path, Func<T> read)
    {
        try
        {
            return read();
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
}
