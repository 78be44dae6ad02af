using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Quarank.Tokenizers;
using Xunit;

namespace Quarank.Tests.Tokenizers;

public class TokenizerTests
{
    private const string Tiktoken = """
        {"type":"Sequence","pretokenizers":[
          {"type":"Split","behavior":"Isolated","invert":false,"pattern":{"Regex":
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
          {"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]}
        """;

    private const string Digits = """
        {"type":"Sequence","pretokenizers":[
          {"type":"Digits","individual_digits":true},
          {"type":"ByteLevel","add_prefix_space":false}]}
        """;

    private static readonly Arbitrary<string> Texts = Gen.OneOf(
        Gen.Choose(0, 0xD7FF),
        Gen.Choose(0xE000, 0x10FFFF),
        Gen.Choose(32, 126),
        Gen.Elements(' ', ' ', '\n', 't', 'h', 'e', '1', '\'').Select(c => (int)c))
        .ArrayOf().Select(scalars => string.Concat(scalars.Select(char.ConvertFromUtf32))).ToArbitrary();

    [Theory]
    [InlineData("""{"type":"ByteLevel","add_prefix_space":false}""")]
    [InlineData(Tiktoken)]
    [InlineData(Digits)]
    public void Decoding_gives_the_text_back_at_once_and_piece_by_piece(string preTokenizer)
    {
        var tokenizer = TinyTokenizers.Load(TinyTokenizers.ByteLevel(preTokenizer));
        Prop.ForAll(Texts, text =>
        {
            int[] ids = tokenizer.Encode(text);
            var decoder = tokenizer.StartDecoding();
            return tokenizer.Decode(ids) == text && string.Concat(ids.Select(decoder.Append)) + decoder.Finish() == text;
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_character_of_several_tokens_comes_with_its_last()
    {
        var tokenizer = TinyTokenizers.Load(TinyTokenizers.ByteLevel());
        var decoder = tokenizer.StartDecoding();
        Assert.Equal(["", "", "", "🦙"], tokenizer.Encode("🦙").Select(decoder.Append));
        Assert.Equal("", decoder.Append(0xE2));
        Assert.Equal("\uFFFD", decoder.Finish());
    }

    [Fact]
    public void Lone_surrogates_count_as_the_replacement_character()
    {
        var tokenizer = TinyTokenizers.Load(TinyTokenizers.ByteLevel());
        Assert.Equal("a\uFFFDb\uFFFD\uFFFD🦙\uFFFD", tokenizer.Decode(tokenizer.Encode("a\uD83Eb\uDD99\uDD99🦙\uD83E")));
    }

    [Fact]
    public void Special_tokens_in_text_are_found_and_left_out_on_demand()
    {
        var tokenizer = TinyTokenizers.Load(TinyTokenizers.ByteLevel());
        int end = tokenizer.TokenId("<|end|>")!.Value;
        int[] ids = tokenizer.Encode("a<|end|> the<|en");
        Assert.Equal(["a", "<|end|>", "Ġthe", "<", "|", "e", "n"], ids.Select(tokenizer.Piece));
        Assert.True(tokenizer.IsSpecial(end));
        Assert.Equal("a<|end|> the<|en", tokenizer.Decode(ids));
        Assert.Equal("a the<|en", tokenizer.Decode(ids, skipSpecialTokens: true));
    }

    [Theory]
    [InlineData("x <m> y", "x|Ġ|<m>|Ġ|y")]
    [InlineData("x <m>y", "x|Ġ|<m>|y")]
    [InlineData("x <l>y", "x|<l>|y")]
    [InlineData("x<r> \n y", "x|<r>|y")]
    [InlineData("x <l>  <l>", "x|<l>|<l>")]
    [InlineData("<m><mm>", "<m>|<mm>")]
    [InlineData("word swords word", "word|Ġ|s|w|o|r|d|s|Ġ|word")]
    [InlineData("word_ éword word.", "w|o|r|d|_|Ġ|Ã©|w|o|r|d|Ġ|word|.")]
    public void Added_tokens_are_found_by_their_rules(string text, string pieces)
    {
        var json = TinyTokenizers.ByteLevel();
        var added = json["added_tokens"]!.AsArray();
        added.Add((JsonNode)TinyTokenizers.Added(300, "<m>"));
        added.Add((JsonNode)TinyTokenizers.Added(301, "<mm>"));
        added.Add((JsonNode)TinyTokenizers.Added(302, "<l>", lstrip: true));
        added.Add((JsonNode)TinyTokenizers.Added(303, "<r>", rstrip: true));
        added.Add((JsonNode)TinyTokenizers.Added(304, "word", singleWord: true, normalized: true));
        var tokenizer = TinyTokenizers.Load(json);
        Assert.Equal(pieces.Split('|'), tokenizer.Encode(text).Select(tokenizer.Piece));
        Assert.Equal(305, tokenizer.VocabularySize);
    }

    [Fact]
    public void The_config_beside_names_the_first_and_last_token_and_whether_they_are_put()
    {
        byte[] json = System.Text.Encoding.UTF8.GetBytes(TinyTokenizers.Text(TinyTokenizers.ByteLevel()));
        var named = TinyTokenizers.Load(
            "tokenizer.json", json, ("tokenizer_config.json", """{"bos_token":{"content":"<|end|>"},"eos_token":"the"}"""));
        Assert.Equal((named.TokenId("<|end|>"), named.TokenId("the")), (named.BeginningOfText, named.EndOfText));
        Assert.Equal(named.Encode("a", addSpecialTokens: false), named.Encode("a"));

        var put = TinyTokenizers.Load("tokenizer.json", json,
            ("tokenizer_config.json", """{"bos_token":"<|end|>","eos_token":"the","add_bos_token":true,"add_eos_token":true}"""));
        Assert.Equal(["<|end|>", "a", "the"], put.Encode("a").Select(put.Piece));

        var unnamed = TinyTokenizers.Load("tokenizer.json", json);
        Assert.Null(unnamed.BeginningOfText);
        Assert.Null(unnamed.EndOfText);
    }

    [Fact]
    public void Templates_put_special_tokens_around_the_text()
    {
        var json = TinyTokenizers.ByteLevel();
        json["post_processor"] = JsonNode.Parse("""
            {"type":"Sequence","processors":[{"type":"ByteLevel"},{"type":"TemplateProcessing",
             "single":[{"SpecialToken":{"id":"S"}},{"Sequence":{"id":"A"}},{"SpecialToken":{"id":"E"}}],
             "pair":[],"special_tokens":{"S":{"id":"S","ids":[1,2],"tokens":["x","y"]},"E":{"id":"E","ids":[3],"tokens":["z"]}}}]}
            """);
        var tokenizer = TinyTokenizers.Load(json);
        Assert.Equal([1, 2, 'a', 3], tokenizer.Encode("a"));
        Assert.Equal(['a'], tokenizer.Encode("a", addSpecialTokens: false));
    }

    [Fact]
    public void Ids_that_are_none_are_refused()
    {
        var tokenizer = TinyTokenizers.Load(TinyTokenizers.ByteLevel());
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode([-1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Piece(tokenizer.VocabularySize));
    }
}
