using System.Text.Json.Nodes;
using Quarank.Models;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Models;

public class GeneratorTests
{
    private static readonly int[] Prompt = [3, 1, 4, 1, 5];

    [Fact]
    public void Greedy_text_is_what_the_batch_would_choose_step_by_step()
    {
        var model = SomeLlama.Build(40, ("eos_token_id", null)).Load();
        var text = new List<int>(Prompt);
        for (int i = 0; i < 12; i++) text.Add(new Sampler().Next(model.Logits(model.Forward(text.ToArray())).Row(text.Count - 1)));
        Assert.Equal(text.Skip(Prompt.Length), Generator.Generate(model, Prompt, 12, new Sampler()));
    }

    [Fact]
    public void It_stops_before_a_token_that_ends_texts_unless_told_not_to()
    {
        var free = Generate(null, 20, true);
        int end = free[6];
        int first = Array.IndexOf(free, end);
        Assert.Equal(free[..first], Generate(end, 20, true));
        Assert.Equal(free[..first], Generate(new JsonArray(49, end), 20, true).TakeWhile(id => id != 49));
        Assert.Equal(free, Generate(end, 20, false));
    }

    [Fact]
    public void It_stops_when_the_context_is_full()
    {
        var model = SomeLlama.Build(40, ("eos_token_id", null), ("max_position_embeddings", 12)).Load();
        Assert.Equal(12 - Prompt.Length, Generator.Generate(model, Prompt, 100, new Sampler()).Count());
        Assert.Contains("context of 12", Assert.Throws<ArgumentException>(() => Generator.Generate(model, new int[12], 1, new Sampler())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_seed_tells_the_same_text()
    {
        var model = SomeLlama.Build(40, ("eos_token_id", null)).Load();
        int[] Tell(int seed) => [.. Generator.Generate(model, Prompt, 30, new Sampler(1, seed: seed))];
        Assert.Equal(Tell(1), Tell(1));
        Assert.NotEqual(Tell(1), Tell(2));
    }

    [Fact]
    public void An_empty_prompt_is_refused_at_once_and_no_tokens_are_none()
    {
        var model = SomeLlama.Build(40).Load();
        Assert.Throws<ArgumentException>(() => Generator.Generate(model, [], 5, new Sampler()));
        Assert.Empty(Generator.Generate(model, Prompt, 0, new Sampler()));
    }

    private static int[] Generate(JsonNode? end, int tokens, bool stop) =>
        [.. Generator.Generate(SomeLlama.Build(40, ("eos_token_id", end)).Load(), Prompt, tokens, new Sampler(1, seed: 3), stop)];
}
