using System.Text;
using System.Text.Json;

namespace Quarank.Tokenizers;

/// <summary>
/// How a class of transformers 5 cuts texts, whatever tokenizer.json says: written as that file would, and read as it is. The post_processor stays
/// the file's, added tokens too.
/// </summary>
internal static class TokenizerClass
{
    private const string ByteLevelDecoder = """{"type": "ByteLevel"}""";

    private static readonly string[] Known = ["GPT2Tokenizer", "Qwen2Tokenizer", "LlamaTokenizer"];

    /// <summary>The rules in place of normalizer, pre_tokenizer, decoder and the flags of the model; null where the class has none and the file counts.</summary>
    /// <exception cref="InvalidDataException">No class is named.</exception>
    /// <exception cref="NotSupportedException">It is not one of those known.</exception>
    public static JsonPart? Find(TokenizerConfig config, string file)
    {
        string named = config.Class ?? throw new InvalidDataException(
            $"{file}: no tokenizer_config.json with a tokenizer_class lies beside it, so there are no rules of a class; leave them to the file.");
        string? rules = (named.EndsWith("Fast", StringComparison.Ordinal) ? named[..^4] : named) switch
        {
            "PreTrainedTokenizer" or "TokenizersBackend" => null,
            "GPT2Tokenizer" => $$"""
                {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": {{(config.AddPrefixSpace == true ? "true" : "false")}}},
                 "decoder": {{ByteLevelDecoder}}}
                """,
            "Qwen2Tokenizer" => $$"""
                {"normalizer": {"type": "NFC"},
                 "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                   {"type": "Split", "pattern": {"Regex": {{JsonSerializer.Serialize(TiktokenScanner.OneDigitPattern)}}}, "behavior": "Isolated", "invert": false},
                   {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]},
                 "decoder": {{ByteLevelDecoder}}}
                """,
            "LlamaTokenizer" => Llama(config),
            _ => throw new NotSupportedException(
                $"{file}: the rules of the tokenizer class '{named}' are not supported; known: {string.Join(", ", Known)}; leave them to the file."),
        };
        return rules is null ? null : JsonPart.Parse(Encoding.UTF8.GetBytes(rules), $"{file}, class {named}");
    }

    // A space before a text stands only at its beginning, unless "legacy" asks for one behind every special token too.
    private static string Llama(TokenizerConfig config)
    {
        bool prefix = config.AddPrefixSpace != false;
        string scheme = !prefix ? "never" : config.Legacy == true ? "always" : "first";
        string strip = prefix ? """, {"type": "Strip", "content": " ", "start": 1, "stop": 0}""" : "";
        return $$"""
            {"pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "{{scheme}}", "split": false},
             "decoder": {"type": "Sequence", "decoders": [
               {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}{{strip}}]},
             "model": {"byte_fallback": true, "fuse_unk": true} }
            """;
    }
}
