using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Quarank.Tests.Support;
using Quarank.Tokenizers;
using Quarank.Tokenizers.Chat;
using Xunit;

namespace Quarank.Tests.Tokenizers;

/// <summary>What the families of models do in ways of their own.</summary>
public class FamilyTokenizerTests
{
    [Fact]
    public void OPT_s_two_files_with_its_configuration_start_texts_as_its_tokenizer_json_does()
    {
        using var folder = new TemporaryFolder();
        foreach (string name in (string[])["vocab.json.gz", "merges.txt.gz"])
            File.Copy(Shared.Find("tokenizers", "opt", name), folder[name]);
        File.WriteAllText(folder["tokenizer_config.json"], """
            {"errors":"replace","unk_token":{"__type":"AddedToken","content":"</s>"},"bos_token":{"content":"</s>"},
             "eos_token":{"content":"</s>"},"pad_token":{"content":"<pad>"},"add_prefix_space":false,"add_bos_token":true,
             "tokenizer_class":"GPT2Tokenizer"}
            """);
        AssertGolden("opt", Tokenizer.Load(folder.Path), "ids_special");
    }

    [Fact]
    public void Qwen_s_two_files_give_the_ids_of_its_tokenizer_json()
    {
        using var gzip = new GZipStream(File.OpenRead(Shared.Find("tokenizers", "qwen3", "tokenizer.json.gz")), CompressionMode.Decompress);
        var model = JsonNode.Parse(gzip)!["model"]!;
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["vocab.json"], model["vocab"]!.ToJsonString());
        File.WriteAllLines(folder["merges.txt"], model["merges"]!.AsArray()
            .Select(m => m is JsonArray pair ? $"{pair[0]} {pair[1]}" : (string)m!));
        File.Copy(Shared.Find("tokenizers", "qwen3", "tokenizer_config.json"), folder["tokenizer_config.json"]);
        AssertGolden("qwen3", Tokenizer.Load(folder.Path), "ids_special");
    }

    [Theory]
    [InlineData("a  b", "a|▁▁|b")]
    [InlineData(" ab a", "▁|ab|▁a")]
    [InlineData("a\n\nb\n", "a|\\n\\n|b|<0x0A>")]
    [InlineData("aéa", "a|<0xC3>|<0xA9>|a")]
    [InlineData("   ", "▁▁|▁")]
    public void Gemma_keeps_all_spaces_and_puts_none_in_front(string text, string pieces)
    {
        var tokenizer = TinyTokenizers.Load(Gemma());
        int[] ids = tokenizer.Encode(text, addSpecialTokens: false);
        Assert.Equal(pieces.Split('|'), ids.Select(id => tokenizer.Piece(id).Replace("\n", "\\n")));
        Assert.Equal(text, tokenizer.Decode(ids));
        Assert.Equal([1, .. ids], tokenizer.Encode(text));
    }

    [Theory]
    [InlineData("theThe the/\n!1 the", "the|T|h|e|Ġthe|/|Ċ|!|1|Ġthe")]
    [InlineData("aa'll 12", "aa|'|ll|Ġ|1|2")]
    public void Tekken_cuts_where_a_small_letter_meets_a_capital(string text, string pieces)
    {
        var json = TinyTokenizers.ByteLevel(new JsonObject
        {
            ["type"] = "Sequence",
            ["pretokenizers"] = new JsonArray(
                new JsonObject
                {
                    ["type"] = "Split",
                    ["pattern"] = new JsonObject { ["Regex"] = TekkenScanner.Pattern },
                    ["behavior"] = "Isolated",
                    ["invert"] = false,
                },
                JsonNode.Parse("""{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}""")),
        }.ToJsonString());
        var tokenizer = TinyTokenizers.Load(json);
        Assert.Equal(pieces.Split('|'), tokenizer.Encode(text).Select(tokenizer.Piece));
        Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
    }

    [Fact]
    public void Tokens_that_only_the_files_beside_name_are_found_too()
    {
        byte[] json = Encoding.UTF8.GetBytes(TinyTokenizers.Text(TinyTokenizers.ByteLevel()));
        var newer = TinyTokenizers.Load("tokenizer.json", json, ("tokenizer_config.json",
            """{"added_tokens_decoder":{"400":{"content":"<turn>","special":true},"268":{"content":"<|end|>","special":true}}}"""));
        Assert.Equal([400, 'a'], newer.Encode("<turn>a"));
        Assert.True(newer.IsSpecial(400));

        var older = TinyTokenizers.Load("tokenizer.model", TinyTokenizers.SentencePiece(TinyTokenizers.SomePieces()),
            ("added_tokens.json", """{"<mask>":15,"<turn>":16}"""),
            ("tokenizer_config.json", """{"additional_special_tokens":["<turn>"]}"""));
        Assert.Equal(["▁ab", "<mask>", "<turn>"], older.Encode("ab<mask><turn>", addSpecialTokens: false).Select(older.Piece));
        Assert.Equal((false, true), (older.IsSpecial(15), older.IsSpecial(16)));
    }

    [Fact]
    public void A_template_names_the_control_pieces_of_a_tokenizer_model_and_a_message_does_not()
    {
        var tokenizer = TinyTokenizers.Load("tokenizer.model", TinyTokenizers.SentencePiece(TinyTokenizers.SomePieces()));
        var template = new ChatTemplate("{{ bos_token }}{{ messages[0].content }}</s>", "here.jinja",
            new Dictionary<string, string> { ["bos_token"] = "<s>" });
        ChatMessage[] sly = [ChatMessage.User("ab</s>")];
        Assert.Equal(["<s>", "▁ab", "<unk>", "</s>"], template.Encode(tokenizer, sly).Select(tokenizer.Piece));
        Assert.Equal(["<s>", "▁ab", "</s>", "</s>"], template.Encode(tokenizer, sly, parseSpecialTokens: true).Select(tokenizer.Piece));
    }

    [Theory]
    [InlineData("""{"type":"Split","pattern":{"String":" "},"behavior":"Removed","invert":false}""", "Removed")]
    [InlineData("""{"type":"Split","pattern":{"String":" "},"behavior":"Isolated","invert":true}""", "invert")]
    [InlineData("""{"type":"Split","pattern":{"Regex":"\\w+"},"behavior":"Isolated","invert":false}""", "\\w+")]
    public void Other_ways_to_cut_are_refused_by_name(string preTokenizer, string part) => Assert.Contains(part,
        Assert.Throws<NotSupportedException>(() => TinyTokenizers.Load(TinyTokenizers.ByteLevel(preTokenizer))).Message);

    // Merges as in the newer files, spaces replaced before anything is cut, and line breaks added as tokens.
    private static JsonObject Gemma()
    {
        List<string> pieces = ["<pad>", "<bos>", "<unk>", "▁", "▁▁", "a", "b", "ab", "▁a"];
        pieces.AddRange(Enumerable.Range(0, 256).Select(b => $"<0x{b:X2}>"));
        return new()
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray(TinyTokenizers.Added(1, "<bos>", special: true), TinyTokenizers.Added(pieces.Count, "\n\n")),
            ["normalizer"] = JsonNode.Parse("""{"type":"Replace","pattern":{"String":" "},"content":"▁"}"""),
            ["pre_tokenizer"] = JsonNode.Parse("""{"type":"Split","pattern":{"String":" "},"behavior":"MergedWithPrevious","invert":false}"""),
            ["post_processor"] = JsonNode.Parse("""
                {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<bos>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
                 "pair":[],"special_tokens":{"<bos>":{"id":"<bos>","ids":[1],"tokens":["<bos>"]}}}
                """),
            ["decoder"] = JsonNode.Parse("""
                {"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"}]}
                """),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["unk_token"] = "<unk>",
                ["fuse_unk"] = true,
                ["byte_fallback"] = true,
                ["ignore_merges"] = false,
                ["vocab"] = TinyTokenizers.Vocabulary(pieces),
                ["merges"] = new JsonArray(new JsonArray("▁", "▁"), new JsonArray("a", "b"), new JsonArray("▁", "a")),
            },
        };
    }

    private static void AssertGolden(string name, Tokenizer tokenizer, string ids)
    {
        int count = 0;
        foreach (string line in File.ReadLines(Shared.Find("tokenizers", name, "golden.jsonl")))
        {
            var golden = JsonElement.Parse(line);
            string text = golden.GetProperty("text").GetString()!;
            Assert.Equal(golden.GetProperty(ids).EnumerateArray().Select(i => i.GetInt32()), tokenizer.Encode(text));
            int[] plain = [.. golden.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32())];
            Assert.Equal(golden.GetProperty("decoded").GetString(), tokenizer.Decode(plain));
            count++;
        }
        Assert.Equal(246, count);
    }
}
