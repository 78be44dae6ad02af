using System.Text;
using Quarank.Pipeline;

namespace Quarank.Cli.Commands;

/// <summary>Texts that a user names.</summary>
internal static class TextInput
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>A UTF-8 file as it is.</summary>
    public static string ReadPlain(string path)
    {
        try
        {
            return File.ReadAllText(path, Strict);
        }
        catch (DecoderFallbackException e)
        {
            throw new InvalidDataException($"{path}: the text is not UTF-8 ({e.Message})", e);
        }
    }

    /// <summary>A UTF-8 file, or the texts of a JSON Lines file with an empty line between them.</summary>
    public static string ReadDocuments(string path) =>
        path.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)
            ? string.Join("\n\n", TextFiles.ReadDocuments(TextFiles.List([path])))
            : ReadPlain(path);
}
