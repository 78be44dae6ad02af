using System.Text.Json;
using Quarank.Evaluation;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Models;

/// <summary>Two small trained models of other people, against float64 computations on the same weights.</summary>
public class Llama2cTests
{
    [Theory]
    [InlineData("stories260K", "stories260K.bin")]
    [InlineData("babyllama-tok105", "model5000.bin")]
    public void Logits_losses_and_greedy_text_are_those_of_the_golden_file(string folder, string file)
    {
        var model = Llama2cModel.Load(Shared.Find("models", folder, file));
        var golden = JsonDocument.Parse(File.ReadAllText(Shared.Find("models", folder, "golden.json"))).RootElement;

        int[] prompt = [.. Ids(golden.GetProperty("prompt_ids"))];
        var logits = model.Logits(model.Forward(prompt));
        var expected = golden.GetProperty("prompt_logits_last").EnumerateArray().Select(e => e.GetDouble()).ToArray();
        double greatest = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], logits[prompt.Length - 1, i], 1e-4 * greatest);

        var losses = new TokenLosses(model).Of(prompt);
        var nll = golden.GetProperty("prompt_nll").EnumerateArray().Select(e => e.GetDouble()).ToArray();
        for (int i = 0; i < nll.Length; i++) Assert.Equal(nll[i], losses[i], 1e-4);

        int[] greedy = [.. Ids(golden.GetProperty("greedy_ids"))];
        Greedy.AssertContinues(model, greedy.AsSpan(0, 1), greedy.AsSpan(1));
    }

    [Fact]
    public void The_loss_of_a_whole_story_is_that_of_the_golden_file()
    {
        var model = Llama2cModel.Load(Shared.Find("models", "babyllama-tok105", "model5000.bin"));
        var golden = JsonDocument.Parse(File.ReadAllText(Shared.Find("models", "babyllama-tok105", "golden.json"))).RootElement
            .GetProperty("tinystories_first100");
        int[] ids = [.. Ids(golden.GetProperty("first_story_ids"))];
        double expected = golden.GetProperty("nll_per_story")[0].GetDouble();
        Assert.Equal(expected, new TokenLosses(model).Of(ids).Sum(l => (double)l), 1e-5 * expected);
    }

    private static IEnumerable<int> Ids(JsonElement e) => e.EnumerateArray().Select(v => v.GetInt32());
}
