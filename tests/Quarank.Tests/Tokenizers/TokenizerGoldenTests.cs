using System.Globalization;
using System.Text.Json;
using Quarank.Tests.Support;
using Quarank.Tokenizers;
using Xunit;

namespace Quarank.Tests.Tokenizers;

/// <summary>Ids and texts that the reference libraries gave for real tokenizers, both ways.</summary>
public class TokenizerGoldenTests
{
    private static readonly Dictionary<string, Tokenizer> Loaded = [];

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama-2")]
    [InlineData("llama-3")]
    [InlineData("mistral-7b-v0.1")]
    [InlineData("opt")]
    [InlineData("phi-3-mini")]
    [InlineData("qwen3")]
    public void Ids_and_texts_equal_those_of_the_reference_library(string name)
    {
        var tokenizer = Load(name);
        var lines = Lines(Shared.Find("tokenizers", name, "golden.jsonl")).ToList();
        Assert.Equal(246, lines.Count);
        foreach (var line in lines)
        {
            int[] ids = Ids(line, "ids");
            string text = line.GetProperty("text").GetString()!;
            Assert.Equal(ids, tokenizer.Encode(text, addSpecialTokens: false));
            Assert.Equal(Ids(line, "ids_special"), tokenizer.Encode(text));
            Assert.Equal(line.GetProperty("decoded").GetString(), tokenizer.Decode(ids));
        }
    }

    [Theory]
    [InlineData("llama-2")]
    [InlineData("mistral-7b-v0.1")]
    public void Ids_and_texts_of_a_tokenizer_model_equal_those_of_SentencePiece(string name)
    {
        var tokenizer = Tokenizer.Load(Shared.Find("tokenizers", name, "tokenizer.model"));
        var lines = Lines(Shared.Find("tokenizers", name, "golden_sentencepiece.jsonl")).ToList();
        Assert.Equal(246, lines.Count);
        foreach (var line in lines)
        {
            int[] ids = Ids(line, "ids");
            string text = line.GetProperty("text").GetString()!;
            Assert.Equal(ids, tokenizer.Encode(text, addSpecialTokens: false));
            Assert.Equal([1, .. ids], tokenizer.Encode(text));
            Assert.Equal(line.GetProperty("decoded").GetString(), tokenizer.Decode(ids));
        }
    }

    [Theory]
    [InlineData("gpt2", "gpt-2")]
    [InlineData("llama-3", "llama-bpe")]
    [InlineData("llama-2", "llama-spm")]
    [InlineData("phi-3-mini", "phi-3")]
    [InlineData("qwen3", "qwen2")]
    public void Test_strings_of_llama_cpp_have_their_ids(string name, string file)
    {
        var tokenizer = Load(name);
        string[] texts = File.ReadAllText(Shared.Find("tokenizers", "llama.cpp-vocab", $"ggml-vocab-{file}.gguf.inp"))
            .Split("\n__ggml_vocab_test__\n");
        string[] lines = File.ReadAllLines(Shared.Find("tokenizers", "llama.cpp-vocab", $"ggml-vocab-{file}.gguf.out"));
        Assert.Equal(46, lines.Length);
        for (int i = 0; i < lines.Length; i++)
        {
            int[] ids = [.. lines[i].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(id =>
                int.Parse(id, CultureInfo.InvariantCulture))];
            Assert.Equal(ids, tokenizer.Encode(texts[i], addSpecialTokens: false));
        }
    }

    [Fact]
    public void Vocabulary_and_merges_give_the_ids_of_the_tokenizer_json_made_from_them()
    {
        var tokenizer = Tokenizer.Load(Shared.Find("tokenizers", "opt", "vocab.json.gz"));
        foreach (var line in Lines(Shared.Find("tokenizers", "opt", "golden.jsonl")))
        {
            string text = line.GetProperty("text").GetString()!;
            // The two files alone name no special tokens but GPT-2's; the tokenizer.json names OPT's.
            if (text.Contains("</s>") || text.Contains("<pad>") || text.Contains("<|endoftext|>")) continue;
            Assert.Equal(Ids(line, "ids"), tokenizer.Encode(text));
            Assert.Equal(line.GetProperty("decoded").GetString(), tokenizer.Decode(Ids(line, "ids")));
        }
    }

    [Fact]
    public void A_model_of_single_characters_fuses_unknowns_and_starts_with_the_first_token()
    {
        var tokenizer = Tokenizer.Load(Shared.Find("models", "babyllama-tok105", "tok105.model"));
        string[] pieces = File.ReadAllLines(Shared.Find("models", "babyllama-tok105", "tok105.vocab"));
        Assert.Equal(pieces.Length, tokenizer.VocabularySize);
        for (int id = 0; id < pieces.Length; id++) Assert.Equal(pieces[id].Split('\t')[0], tokenizer.Piece(id));

        Assert.Equal(["<s>", "▁", "a", "▁", "h", "a", "t"], tokenizer.Encode("  a   hat ").Select(tokenizer.Piece));
        Assert.Equal(["▁", "a", "<unk>", "b"], tokenizer.Encode("a\n\n§b", addSpecialTokens: false).Select(tokenizer.Piece));

        using var golden = JsonDocument.Parse(File.ReadAllText(Shared.Find("models", "babyllama-tok105", "golden.json")));
        string prompt = golden.RootElement.GetProperty("prompt").GetString()!;
        Assert.Equal(Ids(golden.RootElement, "prompt_ids"), tokenizer.Encode(prompt));
        string text = golden.RootElement.GetProperty("greedy_text").GetString()!;
        Assert.Equal(text, tokenizer.Decode(Ids(golden.RootElement, "greedy_ids"), skipSpecialTokens: true));
    }

    [Theory]
    [InlineData("models", "tales", "golden.json")]
    [InlineData("golden", "smollm2-135m-instruct", "prompts.json")]
    public void Prompts_of_the_models_have_the_ids_they_were_run_with(string folder, string model, string file)
    {
        var tokenizer = Tokenizer.Load(Shared.Find("models", model));
        using var golden = JsonDocument.Parse(File.ReadAllText(Shared.Find(folder, model, file)));
        foreach (var prompt in golden.RootElement.GetProperty("prompts").EnumerateArray())
        {
            string text = prompt.GetProperty("text").GetString()!;
            Assert.Equal(Ids(prompt, "input_ids"), tokenizer.Encode(text));
            Assert.Equal(text, tokenizer.Decode(Ids(prompt, "input_ids")));
        }
    }

    // Two tests read each of these.
    private static Tokenizer Load(string name)
    {
        if (!Loaded.TryGetValue(name, out var tokenizer))
            Loaded[name] = tokenizer = Tokenizer.Load(Shared.Find("tokenizers", name, "tokenizer.json.gz"));
        return tokenizer;
    }

    private static IEnumerable<JsonElement> Lines(string path) => File.ReadLines(path).Select(line => JsonElement.Parse(line));

    private static int[] Ids(JsonElement line, string name) =>
        [.. line.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
}
