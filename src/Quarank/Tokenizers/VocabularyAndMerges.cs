namespace Quarank.Tokenizers;

/// <summary>
/// Reads GPT-2's pair of files: vocab.json (piece → id) and merges.txt (a merge a line, best first), with the special tokens that
/// tokenizer_config.json or special_tokens_map.json name; without those files &lt;|endoftext|&gt; begins and ends texts.
/// </summary>
internal static class VocabularyAndMerges
{
    private const string Gpt2End = "<|endoftext|>";

    public static TokenizerParts Read(string file, TokenizerConfig config)
    {
        var root = JsonPart.Parse(file);
        var vocabulary = new Vocabulary(file);
        foreach (var (piece, id) in root.Members()) vocabulary.Add(piece, id.Integer());

        string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        string merges = TokenizerFiles.Find(folder, "merges.txt")
            ?? throw new FileNotFoundException($"{file}: there is no merges.txt beside it.", Path.Combine(folder, "merges.txt"));
        var table = MergeList.Read(Lines(merges), vocabulary, merges, out bool spacesPart);

        var options = new BytePairOptions { ByteLevel = true };
        string[] special = config.Tokens.Count > 0 ? [.. config.Tokens.Values.Distinct()] : [Gpt2End];
        int? end = vocabulary.TryFind(Gpt2End, out int gpt2) && config.Tokens.Count == 0 ? gpt2 : null;
        int? beginning = config.Id("bos_token", vocabulary) ?? end;
        end = config.Id("eos_token", vocabulary) ?? end;
        return new()
        {
            Vocabulary = vocabulary,
            AddedTokens = [.. special.Where(t => vocabulary.TryFind(t, out _)).Select(t => new AddedToken(t, Find(t), Special: true))],
            PreTokenizer = new() { ByteLevel = true, Scanners = [new Gpt2Scanner()] },
            Encoder = new(vocabulary, table, new(vocabulary, options), options, spacesPart),
            PostProcessor = config.Adjust(PostProcessor.None, beginning, end),
            Decoder = last => new ByteLevelStage { Next = last },
            BeginningOfText = beginning,
            EndOfText = end,
        };

        int Find(string piece) => vocabulary.TryFind(piece, out int id) ? id : throw new InvalidOperationException(piece);
    }

    private static IEnumerable<(string Left, string Right)> Lines(string file)
    {
        using var reader = new StreamReader(TokenizerFiles.Open(file));
        while (reader.ReadLine() is { } line)
            if (line.Length > 0 && !line.StartsWith("#version", StringComparison.Ordinal)) yield return MergeList.Parse(line, file);
    }
}
