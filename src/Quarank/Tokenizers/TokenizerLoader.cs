namespace Quarank.Tokenizers;

/// <summary>Chooses the reader for a tokenizer's files.</summary>
internal static class TokenizerLoader
{
    public static TokenizerParts Load(string path, TokenizerRules rules)
    {
        if (File.Exists(path)) return LoadFile(path, TokenizerConfig.Read(Path.GetDirectoryName(Path.GetFullPath(path))!), rules);
        if (!Directory.Exists(path)) throw new FileNotFoundException($"{path}: there is no such file or folder.", path);

        foreach (string name in (string[])["tokenizer.json", "tokenizer.model", "vocab.json"])
            if (TokenizerFiles.Find(path, name) is { } file) return LoadFile(file, TokenizerConfig.Read(path), rules);
        throw new FileNotFoundException(
            $"{path}: no tokenizer here; expected tokenizer.json, tokenizer.model, or vocab.json and merges.txt.", path);
    }

    private static TokenizerParts LoadFile(string file, TokenizerConfig config, TokenizerRules rules)
    {
        string name = Path.GetFileName(file);
        if (name.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)) name = name[..^3];
        // vocab.json knows no rules: they are the class's anyway.
        if (name == "vocab.json") return VocabularyAndMerges.Read(file, config);
        if (name.EndsWith(".json", StringComparison.OrdinalIgnoreCase)) return TokenizerJson.Read(file, config, rules);
        if (name.EndsWith(".model", StringComparison.OrdinalIgnoreCase))
            return rules == TokenizerRules.File ? SentencePiece.Read(file, config) : throw new NotSupportedException(
                $"{file}: the rules of a class stand in the place of tokenizer.json's, and this is SentencePiece's; leave them to the file.");
        throw new NotSupportedException(
            $"{file}: this name is not one of a tokenizer; known: *.json, *.model, vocab.json with merges.txt.");
    }
}
