using System.Text.Json;
using Quarank.Tests.Support;
using Quarank.Tokenizers;
using Xunit;

namespace Quarank.Tests.Tokenizers;

/// <summary>Ids and texts that the reference libraries gave for real tokenizers, both ways.</summary>
public class TokenizerGoldenTests
{
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
        var tokenizer = Tokenizer.Load(Shared.Find("tokenizers", name, "tokenizer.json.gz"));
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

    private static IEnumerable<JsonElement> Lines(string path) => File.ReadLines(path).Select(line => JsonElement.Parse(line));

    private static int[] Ids(JsonElement line, string name) => [.. line.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
}
