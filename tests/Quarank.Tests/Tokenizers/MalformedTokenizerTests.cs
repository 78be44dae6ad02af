using System.Text;
using System.Text.Json.Nodes;
using Quarank.Tokenizers;
using Xunit;

namespace Quarank.Tests.Tokenizers;

public class MalformedTokenizerTests
{
    [Fact]
    public void Files_cut_off_anywhere_are_refused_and_nothing_else_happens()
    {
        byte[] json = Encoding.UTF8.GetBytes(TinyTokenizers.Text(TinyTokenizers.ByteLevel()));
        for (int length = 0; length < json.Length; length += 17)
            Assert.Throws<InvalidDataException>(() => TinyTokenizers.Load("tokenizer.json", json[..length]));

        // Cut between two fields a message is still one, and lacks something only where the rest was needed.
        byte[] model = TinyTokenizers.SentencePiece(TinyTokenizers.SomePieces());
        for (int length = 0; length < model.Length; length++) LoadsOrRefuses("tokenizer.model", model[..length]);
    }

    [Fact]
    public void Files_with_a_wrong_byte_load_or_are_refused_and_nothing_else_happens()
    {
        var random = new Random(8);
        byte[] json = Encoding.UTF8.GetBytes(TinyTokenizers.Text(TinyTokenizers.ByteLevel()));
        byte[] model = TinyTokenizers.SentencePiece(TinyTokenizers.SomePieces());
        for (int trial = 0; trial < 250; trial++)
        {
            LoadsOrRefuses("tokenizer.json", Damaged(json, random));
            LoadsOrRefuses("tokenizer.model", Damaged(model, random));
        }
    }

    [Theory]
    [InlineData("normalizer", """{"type":"Lowercase"}""", "Lowercase")]
    [InlineData("normalizer", """{"type":"Replace","pattern":{"Regex":"x"},"content":"y"}""", "Regex")]
    [InlineData("normalizer", """{"type":"NFC","form":"odd"}""", "form")]
    [InlineData("pre_tokenizer", """{"type":"Whitespace"}""", "Whitespace")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"\\d+"},"behavior":"Isolated","invert":false}""", @"\d+")]
    [InlineData("pre_tokenizer", """{"type":"Sequence","pretokenizers":[{"type":"ByteLevel"},{"type":"Digits"}]}""", "Digits")]
    [InlineData("post_processor", """{"type":"BertProcessing"}""", "BertProcessing")]
    [InlineData("decoder", """{"type":"WordPiece"}""", "WordPiece")]
    [InlineData("decoder", """{"type":"Strip","content":" ","start":1,"stop":1}""", "Strip")]
    [InlineData("truncation", """{"max_length":5}""", "truncation")]
    [InlineData("model.type", "\"Unigram\"", "Unigram")]
    [InlineData("model.dropout", "0.1", "dropout")]
    [InlineData("model.end_of_word_suffix", "\"</w>\"", "end_of_word_suffix")]
    [InlineData("model.byte_fallback", "true", "byte_fallback")]
    [InlineData("model.surprise", "1", "surprise")]
    [InlineData("surprise", "1", "surprise")]
    public void What_is_not_supported_is_refused_by_name(string member, string value, string name)
    {
        var error = Assert.Throws<NotSupportedException>(() => TinyTokenizers.Load(With(member, value)));
        Assert.Contains(name, error.Message);
        Assert.Contains("tokenizer.json", error.Message);
    }

    [Theory]
    [InlineData("model", "[]", "model")]
    [InlineData("model.vocab", """{"a":-1}""", "-1")]
    [InlineData("model.vocab", """{"a":1e20}""", "1e20")]
    [InlineData("model.vocab", """{"a":2000000000}""", "2000000000")]
    [InlineData("model.merges", """["a q?"]""", "'q?'")]
    [InlineData("model.merges", """["abc"]""", "'abc'")]
    [InlineData("model.merges", """[["a","b","c"]]""", "two pieces")]
    [InlineData("model.unk_token", "\"<none>\"", "<none>")]
    [InlineData("model.byte_fallback", "1", "true or false")]
    [InlineData("added_tokens", """[{"id":1}]""", "content")]
    [InlineData("added_tokens", "7", "an array")]
    [InlineData("decoder", """{"type":"Fuse\ud800"}""", "Unicode")]
    [InlineData("post_processor", """{"type":"TemplateProcessing","single":[],"special_tokens":{}}""", "sequence A")]
    public void What_is_wrong_is_named_with_its_place(string member, string value, string part)
    {
        string text = TinyTokenizers.Text(With(member, "\"HERE\"")).Replace("\"HERE\"", value);
        var error = Assert.Throws<InvalidDataException>(() =>
            TinyTokenizers.Load("tokenizer.json", Encoding.UTF8.GetBytes(text)));
        Assert.Contains(part, error.Message);
        Assert.Contains("tokenizer.json", error.Message);
    }

    [Fact]
    public void A_folder_without_tokenizer_says_what_was_looked_for()
    {
        var folder = Directory.CreateTempSubdirectory("quarank-tokenizer-");
        try
        {
            var error = Assert.Throws<FileNotFoundException>(() => Tokenizer.Load(folder.FullName));
            Assert.Contains("tokenizer.model", error.Message);
            Assert.Throws<FileNotFoundException>(() => Tokenizer.Load(Path.Combine(folder.FullName, "absent.json")));
            File.WriteAllText(Path.Combine(folder.FullName, "vocab.json"), "{\"a\":0}");
            Assert.Contains("merges.txt", Assert.Throws<FileNotFoundException>(() => Tokenizer.Load(folder.FullName)).Message);
            File.WriteAllText(Path.Combine(folder.FullName, "tokenizer_config.json"), "{\"tokenizer_class\":\"RobertaTokenizer\"}");
            var otherWords = Assert.Throws<NotSupportedException>(() => Tokenizer.Load(folder.FullName));
            Assert.Contains("RobertaTokenizer", otherWords.Message);
        }
        finally { folder.Delete(recursive: true); }
    }

    private static JsonObject With(string member, string value)
    {
        var json = TinyTokenizers.ByteLevel();
        var target = json;
        string[] path = member.Split('.');
        foreach (string step in path[..^1]) target = target[step]!.AsObject();
        target[path[^1]] = JsonNode.Parse(value);
        return json;
    }

    private static byte[] Damaged(byte[] content, Random random)
    {
        byte[] copy = [.. content];
        copy[random.Next(copy.Length)] = (byte)random.Next(256);
        return copy;
    }

    private static void LoadsOrRefuses(string name, byte[] content)
    {
        try { TinyTokenizers.Load(name, content).Encode("the ab 12 🦙"); }
        catch (Exception e) when (e is InvalidDataException or NotSupportedException) { }
    }
}
