using System.IO.Compression;

namespace Quarank.Tokenizers;

/// <summary>Finds and opens the files of a tokenizer; each may also be stored as gzip with .gz after its name.</summary>
internal static class TokenizerFiles
{
    /// <summary>The path of the file in the folder, plain or gzip; null when neither is there.</summary>
    public static string? Find(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        return File.Exists(path) ? path : File.Exists(path + ".gz") ? path + ".gz" : null;
    }

    /// <summary>The content of a file, unpacked.</summary>
    /// <exception cref="InvalidDataException">The gzip data are damaged.</exception>
    public static Stream Open(string path)
    {
        var file = File.OpenRead(path);
        if (!path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)) return file;

        using var gzip = new GZipStream(file, CompressionMode.Decompress);
        var content = new MemoryStream();
        try { gzip.CopyTo(content); }
        catch (InvalidDataException e) { throw new InvalidDataException($"{path}: not valid gzip: {e.Message}", e); }
        content.Position = 0;
        return content;
    }
}
