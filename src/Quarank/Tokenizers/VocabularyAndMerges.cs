namespace Quarank.Tokenizers;

/// <summary>
/// Reads the pair of files that GPT-2, OPT and Qwen2 have: vocab.json (piece → id) and merges.txt (a merge a line, best first), with the special tokens that
/// tokenizer_config.json or special_tokens_map.json name; without those files &lt;|endoftext|&gt; begins and ends texts.
/// </summary>
internal static class VocabularyAndMerges
{
    private const string Gpt2End = "<|endoftext|>";

    public static TokenizerParts Read(string file, TokenizerConfig config)
    {
        // Others keep such files too but cut words in their own way.
        bool qwen = config.Class is "Qwen2Tokenizer" or "Qwen2TokenizerFast";
        if (!qwen && config.Class is not (null or "GPT2Tokenizer" or "GPT2TokenizerFast"))
            throw new NotSupportedException(
                $"{file}: tokenizer class '{config.Class}' without tokenizer.json is not supported; known: GPT2Tokenizer, Qwen2Tokenizer.");

        var root = JsonPart.Parse(file);
        var vocabulary = new Vocabulary(file);
        foreach (var (piece, id) in root.Members()) vocabulary.Add(piece, id.Integer());

        string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        string merges = TokenizerFiles.Find(folder, "merges.txt")
            ?? throw new FileNotFoundException($"{file}: there is no merges.txt beside it.", Path.Combine(folder, "merges.txt"));
        var table = MergeList.Read(Lines(merges), vocabulary, merges, out bool spacesPart);

        var options = new BytePairOptions { ByteLevel = true };
        var encoder = new BytePairEncoder(vocabulary, table, new(vocabulary, options), options, spacesPart);
        var added = AddedTokens(vocabulary, config);
        foreach (var token in added) vocabulary.Add(token.Content, token.Id);

        int? gpt2 = config.Tokens.Count == 0 && vocabulary.TryFind(Gpt2End, out int found) ? found : null;
        int? beginning = config.Id("bos_token", vocabulary) ?? gpt2, end = config.Id("eos_token", vocabulary) ?? gpt2;
        return new()
        {
            Vocabulary = vocabulary,
            AddedTokens = added,
            Normalizer = qwen ? new([CanonicalComposition.Apply]) : Normalizer.None,
            PreTokenizer = new()
            {
                ByteLevel = true,
                Prefix = config.AddPrefixSpace == true ? ' ' : null,
                Scanners = [qwen ? new TiktokenScanner(1) : new Gpt2Scanner()],
            },
            Encoder = encoder,
            PostProcessor = config.Adjust(PostProcessor.None, beginning, end),
            Decoder = last => new ByteLevelStage { Next = last },
            BeginningOfText = beginning,
            EndOfText = end,
        };
    }

    private static List<AddedToken> AddedTokens(Vocabulary vocabulary, TokenizerConfig config)
    {
        if (config.AddedTokens.Count > 0) return [.. config.AddedTokens];
        List<AddedToken> tokens = [];
        foreach (string text in config.Tokens.Count > 0 ? config.Tokens.Values.Distinct() : [Gpt2End])
            if (vocabulary.TryFind(text, out int id)) tokens.Add(new(text, id, Special: true));
        return tokens;
    }

    private static IEnumerable<(string Left, string Right)> Lines(string file)
    {
        using var reader = new StreamReader(TokenizerFiles.Open(file));
        while (reader.ReadLine() is { } line)
        {
            if (line.Length == 0 || line.StartsWith("#version", StringComparison.Ordinal)) continue;
            yield return MergeList.Parse(line, file);
        }
    }
}
