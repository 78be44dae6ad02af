namespace Quarank.Tokenizers;

/// <summary>Chooses the reader for a tokenizer's files.</summary>
internal static class TokenizerLoader
{
    public static TokenizerParts Load(string path)
    {
        if (File.Exists(path)) return LoadFile(path, TokenizerConfig.Read(Path.GetDirectoryName(Path.GetFullPath(path))!));
        if (!Directory.Exists(path)) throw new FileNotFoundException($"{path}: there is no such file or folder.", path);

        foreach (string name in (string[])["tokenizer.json", "tokenizer.model", "vocab.json"])
            if (TokenizerFiles.Find(path, name) is { } file) return LoadFile(file, TokenizerConfig.Read(path));
        throw new FileNotFoundException(
            $"{path}: no tokenizer here; expected tokenizer.json, tokenizer.model, or vocab.json and merges.txt.", path);
    }

    private static TokenizerParts LoadFile(string file, TokenizerConfig config)
    {
        string name = Path.GetFileName(file);
        if (name.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)) name = name[..^3];
        if (name == "vocab.json") return VocabularyAndMerges.Read(file, config);
        if (name.EndsWith(".json", StringComparison.OrdinalIgnoreCase)) return TokenizerJson.Read(file, config);
        if (name.EndsWith(".model", StringComparison.OrdinalIgnoreCase)) return SentencePiece.Read(file, config);
        throw new NotSupportedException(
            $"{file}: this name is not one of a tokenizer; known: *.json, *.model, vocab.json with merges.txt.");
    }
}
