using System.Text.Json;

namespace Quarank.Tokenizers;

/// <summary>Reads Hugging Face's tokenizer.json.</summary>
internal static class TokenizerJson
{
    public static TokenizerParts Read(string file, TokenizerConfig config, TokenizerRules rules)
    {
        var root = JsonPart.Parse(file);
        root.AllowOnly("version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor",
            "decoder", "model");
        foreach (string setting in (string[])["truncation", "padding"])
            if (root[setting].Exists) throw root[setting].Unsupported("a value", "null");

        // Where a class has rules of its own, what they leave out does not exist.
        var own = rules == TokenizerRules.Class ? TokenizerClass.Find(config, file) : null;
        var cut = own ?? root;
        var model = root["model"];
        var vocabulary = ReadVocabulary(model);
        // The model knows only its own pieces; added tokens are found before it sees the text.
        var preTokenizer = PreTokenizerJson.Read(cut["pre_tokenizer"]);
        var encoder = ReadModel(model, own is { } o ? o["model"] : model, vocabulary, preTokenizer.ByteLevel);
        var added = ReadAddedTokens(root["added_tokens"]);
        // Those that only the files beside it name come with the tokenizer too.
        added.AddRange(config.AddedTokens.Where(t => added.All(there => there.Id != t.Id && there.Content != t.Content)));
        foreach (var token in added) vocabulary.Add(token.Content, token.Id);

        var processor = PostProcessor.Read(root["post_processor"], vocabulary);
        int? beginning = config.Id("bos_token", vocabulary), end = config.Id("eos_token", vocabulary);
        return new()
        {
            Vocabulary = vocabulary,
            AddedTokens = added,
            Normalizer = Normalizer.Read(cut["normalizer"]),
            PreTokenizer = preTokenizer,
            Encoder = encoder,
            PostProcessor = config.Adjust(processor, beginning, end),
            Decoder = DecoderJson.Read(cut["decoder"]),
            ClassRules = own is null ? null : config.Class,
            BeginningOfText = beginning,
            EndOfText = end,
        };
    }

    private static Vocabulary ReadVocabulary(JsonPart model)
    {
        // Old files leave the type out.
        if (model["type"].Text(whenAbsent: "BPE") is not "BPE" and var type)
            throw model.Unsupported($"model type '{type}'", "BPE");
        var vocabulary = new Vocabulary(model.File);
        foreach (var (piece, id) in model["vocab"].Members()) vocabulary.Add(piece, id.Integer());
        return vocabulary;
    }

    /// <param name="flags">Where the flags of the model stand: in it, or in the rules of a class.</param>
    private static BytePairEncoder ReadModel(JsonPart model, JsonPart flags, Vocabulary vocabulary, bool byteLevel)
    {
        model.AllowOnly("type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
            "byte_fallback", "ignore_merges", "vocab", "merges");
        if (model["dropout"] is { Exists: true, Element: var dropout } && !(dropout.TryGetDouble(out double rate) && rate == 0))
            throw model["dropout"].Unsupported("a value", "null");
        foreach (string affix in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
            if (model[affix].Text(whenAbsent: "").Length > 0) throw model[affix].Unsupported("text", "null", "\"\"");

        var options = new BytePairOptions
        {
            ByteLevel = byteLevel,
            WholeWords = Flag("ignore_merges"),
            ByteFallback = Flag("byte_fallback"),
            FuseUnknown = Flag("fuse_unk"),
            Unknown = flags.Exists ? Unknown(flags["unk_token"], vocabulary) : null,
        };
        if (options.ByteLevel && options.ByteFallback)
            throw model.Unsupported("byte_fallback together with ByteLevel", "one of them");
        var merges = MergeList.Read(Merges(model["merges"]), vocabulary, model.File, out bool spacesPart);
        return new(vocabulary, merges, new(vocabulary, options), options, spacesPart);

        bool Flag(string name) => flags.Exists && flags[name].Flag(whenAbsent: false);
    }

    private static int? Unknown(JsonPart token, Vocabulary vocabulary)
    {
        if (!token.Exists) return null;
        return vocabulary.TryFind(token.Text(), out int id) ? id : throw token.Wrong("a piece of the vocabulary");
    }

    // Old files write "a b", new ones ["a", "b"].
    private static IEnumerable<(string Left, string Right)> Merges(JsonPart merges)
    {
        foreach (var item in merges.Items())
        {
            if (item.Element.ValueKind == JsonValueKind.String) yield return MergeList.Parse(item.Text(), item.File);
            else if (item.Items().Select(p => p.Text()).ToArray() is [var left, var right]) yield return (left, right);
            else throw item.Wrong("two pieces");
        }
    }

    private static List<AddedToken> ReadAddedTokens(JsonPart part)
    {
        List<AddedToken> tokens = [];
        if (!part.Exists) return tokens;
        foreach (var item in part.Items())
        {
            item.AllowOnly("id", "content", "single_word", "lstrip", "rstrip", "normalized", "special");
            if (item["content"].Text().Length == 0) throw item["content"].Wrong("text");
            tokens.Add(new(item["content"].Text(), item["id"].Integer(), item["special"].Flag(), item["single_word"].Flag(),
                item["lstrip"].Flag(), item["rstrip"].Flag(), item["normalized"].Flag()));
        }
        return tokens;
    }
}
