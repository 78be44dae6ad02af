using System.Text.Json;
using Quarank.Tests.Support;
using Quarank.Tokenizers;
using Xunit;

namespace Quarank.Tests.Tokenizers;

/// <summary>Texts cut by the rules of a tokenizer's class in the place of tokenizer.json's, as transformers 5 cuts them.</summary>
public class TokenizerClassTests
{
    private static string SmolLm2 => Shared.Find("models", "smollm2-135m-instruct");

    [Fact]
    public void GPT2Tokenizer_does_not_see_the_digits_that_a_file_cuts_out()
    {
        var file = Tokenizer.Load(SmolLm2);
        var own = Tokenizer.Load(SmolLm2, TokenizerRules.Class);
        Assert.Null(file.ClassRules);
        Assert.Equal("GPT2Tokenizer", own.ClassRules);

        // Behind several spaces GPT-2's rules leave the last to the word; a digit cut out before takes none.
        Assert.Equal(["in", "ĠĠĠ", "2"], Pieces(file, "in   2"));
        Assert.Equal(["in", "ĠĠ", "Ġ", "2"], Pieces(own, "in   2"));
        // No merge of SmolLM2 joins digits, so it does not show elsewhere.
        foreach (string text in (string[])["in 2026", "x1y22z", " a 3.14", "1\n2"])
            Assert.Equal(file.Encode(text), own.Encode(text));
        Assert.Equal("in   2, né 🙂", own.Decode(own.Encode("in   2, né 🙂")));
    }

    /// <summary>Classes whose constructors say what their files say.</summary>
    [Theory]
    [InlineData("qwen3", "Qwen2Tokenizer")]
    [InlineData("mistral-7b-v0.1", "LlamaTokenizer")]
    public void A_class_that_agrees_with_its_file_gives_the_same_ids(string name, string rules)
    {
        string golden = Shared.Find("tokenizers", name, "golden.jsonl"), folder = Path.GetDirectoryName(golden)!;
        string? legacy = name == "qwen3" ? null : "false";
        using var temporary = new TemporaryFolder();
        File.Copy(Path.Combine(folder, "tokenizer.json.gz"), temporary["tokenizer.json.gz"]);
        File.WriteAllText(temporary["tokenizer_config.json"],
            $$"""{"tokenizer_class": "{{rules}}"{{(legacy is null ? "" : $", \"legacy\": {legacy}")}}}""");
        var tokenizer = Tokenizer.Load(temporary.Path, TokenizerRules.Class);
        Assert.Equal(rules, tokenizer.ClassRules);
        foreach (string line in File.ReadLines(golden))
        {
            var row = JsonElement.Parse(line);
            int[] ids = [.. row.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32())];
            Assert.Equal(ids, tokenizer.Encode(row.GetProperty("text").GetString()!, addSpecialTokens: false));
            Assert.Equal(row.GetProperty("decoded").GetString(), tokenizer.Decode(ids));
        }
    }

    [Fact]
    public void A_Llama_of_before_puts_a_space_behind_special_tokens_too()
    {
        Assert.Equal(["▁a", "<s>", "▁a"], Load("true", "a<s>a"));
        Assert.Equal(["▁a", "<s>", "a"], Load("false", "a<s>a"));

        static string[] Load(string legacy, string text)
        {
            using var folder = new TemporaryFolder();
            File.Copy(Shared.Find("tokenizers", "mistral-7b-v0.1", "tokenizer.json.gz"), folder["tokenizer.json.gz"]);
            File.WriteAllText(folder["tokenizer_config.json"], $$"""{"tokenizer_class": "LlamaTokenizerFast", "legacy": {{legacy}}}""");
            return Pieces(Tokenizer.Load(folder.Path, TokenizerRules.Class), text);
        }
    }

    [Fact]
    public void A_class_without_rules_of_its_own_leaves_them_to_the_file()
    {
        using var folder = Copy("""{"tokenizer_class": "PreTrainedTokenizerFast"}""");
        var tokenizer = Tokenizer.Load(folder.Path, TokenizerRules.Class);
        Assert.Null(tokenizer.ClassRules);
        Assert.Equal(["in", "ĠĠĠ", "2"], Pieces(tokenizer, "in   2"));
    }

    [Fact]
    public void A_class_whose_rules_are_not_known_is_refused_by_name()
    {
        using var folder = Copy("""{"tokenizer_class": "T5Tokenizer"}""");
        var unknown = Assert.Throws<NotSupportedException>(() => Tokenizer.Load(folder.Path, TokenizerRules.Class));
        Assert.Contains("T5Tokenizer", unknown.Message, StringComparison.Ordinal);
        Assert.Contains("GPT2Tokenizer, Qwen2Tokenizer, LlamaTokenizer", unknown.Message, StringComparison.Ordinal);

        using var nameless = Copy("{}");
        Assert.Contains("tokenizer_class", Assert.Throws<InvalidDataException>(() => Tokenizer.Load(nameless.Path, TokenizerRules.Class)).Message, StringComparison.Ordinal);
        Assert.Contains("SentencePiece", Assert.Throws<NotSupportedException>(
            () => Tokenizer.Load(Shared.Find("tokenizers", "llama-2", "tokenizer.model"), TokenizerRules.Class)).Message, StringComparison.Ordinal);
    }

    private static TemporaryFolder Copy(string config)
    {
        var folder = new TemporaryFolder();
        File.Copy(Path.Combine(SmolLm2, "tokenizer.json"), folder["tokenizer.json"]);
        File.WriteAllText(folder["tokenizer_config.json"], config);
        return folder;
    }

    private static string[] Pieces(Tokenizer tokenizer, string text) =>
        [.. tokenizer.Encode(text, addSpecialTokens: false).Select(tokenizer.Piece)];
}
