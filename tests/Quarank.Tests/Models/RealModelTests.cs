using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Models;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Models;

/// <summary>Trained models of float16 weights, against transformers in float32.</summary>
public class RealModelTests
{
    // Logits reach 30 and are rounded to five decimals; float32 sums over 1,536 products in 30 blocks differ by a few 1e-4.
    private const double Tolerance = 2e-3;

    [Fact]
    public void Tales_tells_what_transformers_says() =>
        AssertPrompts(Shared.Find("models", "tales"), Shared.Find("models", "tales", "golden.json"), "greedy_48_ids");

    [Fact]
    public void SmolLM2_says_what_transformers_says() =>
        AssertPrompts(SmolLm2.Folder(), Shared.Find("golden", "smollm2-135m-instruct", "prompts.json"), "greedy_24_ids");

    private static void AssertPrompts(string folder, string goldenFile, string greedyKey)
    {
        using var checkpoint = Checkpoint.Open(folder);
        var model = Model.Load(checkpoint);
        var golden = JsonDocument.Parse(File.ReadAllText(goldenFile)).RootElement;
        foreach (var prompt in golden.GetProperty("prompts").EnumerateArray())
        {
            int[] ids = Ints(prompt, "input_ids");
            var logits = model.Logits(model.Forward(ids));

            var expected = Numbers(prompt, "token_logprobs");
            for (int t = 0; t < expected.Length; t++)
                Assert.Equal(expected[t], logits[t, ids[t + 1]] - Greedy.LogSumExp(logits.Row(t)), Tolerance);

            var last = logits.Row(ids.Length - 1);
            Assert.Equal(prompt.GetProperty("last_logsumexp").GetDouble(), Greedy.LogSumExp(last), Tolerance);
            var top = Ints(prompt, "last_top10_ids").Zip(Numbers(prompt, "last_top10_logits"));
            foreach (var (id, value) in top) Assert.Equal(value, last[id], Tolerance);

            Greedy.AssertContinues(model, ids, Ints(prompt, greedyKey));
        }
        if (golden.TryGetProperty("chat", out var chat)) Greedy.AssertContinues(model, Ints(chat, "input_ids"), Ints(chat, "greedy_ids"));
    }

    private static int[] Ints(JsonElement e, string key) => [.. e.GetProperty(key).EnumerateArray().Select(v => v.GetInt32())];

    private static double[] Numbers(JsonElement e, string key) => [.. e.GetProperty(key).EnumerateArray().Select(v => v.GetDouble())];
}
