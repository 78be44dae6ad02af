using System.Numerics.Tensors;
using Quarank.Models;
using Xunit;

namespace Quarank.Tests.Models;

public class SamplerTests
{
    private static readonly float[] Logits = [.. new[] { 0.1, 0.4, 0.2, 0.25, 0.05 }.Select(p => (float)Math.Log(p))];

    [Fact]
    public void Temperature_zero_takes_the_likeliest_and_the_lowest_id_among_equals()
    {
        Assert.Equal(1, new Sampler().Next(Logits));
        Assert.Equal(1, new Sampler(seed: 99).Next([0, 3, 1, 3]));
    }

    [Fact]
    public void Draws_follow_the_models_distribution()
    {
        var counts = Counts(new Sampler(temperature: 1, seed: 4), Logits, 20_000);
        Assert.Equal([0.1, 0.4, 0.2, 0.25, 0.05], counts, (a, b) => Math.Abs(a - b) < 0.015);   // four standard deviations
    }

    [Fact]
    public void A_temperature_raises_probabilities_to_its_inverse()
    {
        var counts = Counts(new Sampler(temperature: 0.5f, seed: 4), Logits, 20_000);
        double total = 0.01 + 0.16 + 0.04 + 0.0625 + 0.0025;
        Assert.Equal([0.01 / total, 0.16 / total, 0.04 / total, 0.0625 / total, 0.0025 / total], counts, (a, b) => Math.Abs(a - b) < 0.015);
    }

    [Fact]
    public void Top_k_keeps_the_k_likeliest_in_their_proportion()
    {
        var counts = Counts(new Sampler(temperature: 1, topK: 2, seed: 5), Logits, 20_000);
        Assert.Equal([0, 0.4 / 0.65, 0, 0.25 / 0.65, 0], counts, (a, b) => Math.Abs(a - b) < 0.015);
        Assert.Equal(0, counts[0] + counts[2] + counts[4]);
    }

    [Theory]
    [InlineData(0.39f, new[] { 1 })]
    [InlineData(0.41f, new[] { 1, 3 })]
    [InlineData(0.64f, new[] { 1, 3 })]
    [InlineData(0.84f, new[] { 1, 2, 3 })]
    [InlineData(0.94f, new[] { 0, 1, 2, 3 })]
    [InlineData(1f, new[] { 0, 1, 2, 3, 4 })]
    public void Top_p_keeps_the_fewest_tokens_that_hold_its_share(float topP, int[] kept)
    {
        var counts = Counts(new Sampler(temperature: 1, topP: topP, seed: 6), Logits, 2_000);
        Assert.Equal(kept, Enumerable.Range(0, 5).Where(i => counts[i] > 0));
    }

    /// <summary>Over vocabularies where most tokens are never looked at, and where all are needed, with equals among them.</summary>
    [Theory]
    [InlineData(1f, 40, 1f), InlineData(1f, 0, 0.95f), InlineData(0.3f, 100, 0.9f), InlineData(50f, 0, 0.9f), InlineData(50f, 900, 0.5f), InlineData(0.01f, 999, 1f)]
    public void What_stays_is_what_a_sort_of_the_whole_vocabulary_leaves(float temperature, int topK, float topP)
    {
        var random = new Random(3);
        var sampler = new Sampler(temperature, topK, topP, seed: 12);
        var draws = new Random(12);
        for (int round = 0; round < 50; round++)
        {
            float[] logits = [.. Enumerable.Range(0, 1000).Select(_ => MathF.Round(20 * random.NextSingle(), 1))];
            Assert.Equal(BySorting(logits, temperature, topK, topP, draws.NextDouble()), sampler.Next(logits));
        }
    }

    // The same weights to the bit, so that only the way to those that stay differs.
    private static int BySorting(float[] logits, float temperature, int topK, float topP, double draw)
    {
        var weights = new float[logits.Length];
        TensorPrimitives.Subtract(logits, logits.Max(), weights);
        TensorPrimitives.Divide(weights, temperature, weights);
        TensorPrimitives.Exp<float>(weights, weights);
        var sorted = weights.Select((w, id) => (Weight: w, Id: id)).OrderByDescending(t => t.Weight).ThenBy(t => t.Id).Take(topK == 0 ? logits.Length : topK).ToList();
        double share = topP * sorted.Sum(t => (double)t.Weight), sum = 0;
        int kept = sorted.TakeWhile(t => (sum += t.Weight) < share).Count() + 1;
        sorted = topP == 1 ? sorted : [.. sorted.Take(kept)];
        double left = draw * sorted.Sum(t => (double)t.Weight);
        foreach (var (weight, id) in sorted)
        {
            left -= weight;
            if (left < 0) return id;
        }
        return sorted[^1].Id;
    }

    [Fact]
    public void Top_k_of_one_is_greedy_at_any_temperature() => Assert.Equal(1, Counts(new Sampler(3, topK: 1), Logits, 50)[1], 1e-9);

    [Fact]
    public void The_same_seed_draws_the_same_tokens_and_another_seed_others()
    {
        Assert.Equal(Draws(new Sampler(1, 4, 0.9f, 7), 100), Draws(new Sampler(1, 4, 0.9f, 7), 100));
        Assert.NotEqual(Draws(new Sampler(1, 4, 0.9f, 7), 100), Draws(new Sampler(1, 4, 0.9f, 8), 100));
    }

    [Fact]
    public void Numbers_out_of_range_and_logits_that_are_no_numbers_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Sampler(temperature: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Sampler(temperature: float.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Sampler(topK: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Sampler(topP: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Sampler(topP: 1.5f));
        Assert.Throws<InvalidDataException>(() => new Sampler(1).Next([0, float.NaN, 1]));
    }

    private static double[] Counts(Sampler sampler, float[] logits, int draws)
    {
        var counts = new double[logits.Length];
        for (int i = 0; i < draws; i++) counts[sampler.Next(logits)] += 1.0 / draws;
        return counts;
    }

    private static int[] Draws(Sampler sampler, int count) => [.. Enumerable.Range(0, count).Select(_ => sampler.Next(Logits))];
}
