using Quarank.Checkpoints;
using Quarank.Evaluation;
using Quarank.Models;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Evaluation;

public class PerplexityTests
{
    private readonly SomeLlama _tiny = SomeLlama.Build(50);

    [Fact]
    public void A_model_that_prefers_nothing_has_the_vocabulary_as_its_perplexity_and_no_error()
    {
        // A zero head gives zero logits.
        var tensors = new StoredTensors();
        foreach (var t in _tiny.Tensors.All)
            tensors.Add(t.Name, t.Name == "lm_head.weight" ? StoredTensor.FromValues(t.Name, new float[50 * 24], 50, 24) : t);
        var model = Model.Load(tensors, _tiny.Config);
        foreach (var result in new[] { Perplexity.OfSegments(model, _tiny.Ids(70), 30), Perplexity.OfSlidingWindow(model, _tiny.Ids(70), 30, 7) })
        {
            Assert.Equal(50, result.Perplexity, 1e-4);
            Assert.Equal(0, result.StandardError, 1e-2);
        }
    }

    [Fact]
    public void Segments_do_not_overlap_and_the_tail_is_dropped()
    {
        var ids = _tiny.Ids(100);
        var model = _tiny.Load();
        var losses = Enumerable.Range(0, 3).SelectMany(i => ReferenceLosses(ids[(30 * i)..(30 * i + 30)])).ToArray();
        AssertResult(losses, 3, Perplexity.OfSegments(model, ids, 30));
        AssertResult(losses[..58], 2, Perplexity.OfSegments(model, ids, 30, segments: 2));
        AssertResult(losses, 3, Perplexity.OfSegments(model, ids, 30, segments: 8));
    }

    [Fact]
    public void A_sliding_window_scores_every_token_but_the_first_once()
    {
        var ids = _tiny.Ids(100);
        var model = _tiny.Load();
        // Windows of 30 at 0, 12, 24, 36, 48, 60 and, for the last four tokens, at 70.
        var losses = ReferenceLosses(ids[..30]).ToList();
        for (int start = 12; start <= 60; start += 12) losses.AddRange(ReferenceLosses(ids[start..(start + 30)]).TakeLast(12));
        losses.AddRange(ReferenceLosses(ids[70..]).TakeLast(10));
        AssertResult([.. losses], 7, Perplexity.OfSlidingWindow(model, ids, 30, 12));
        Assert.Equal(59, Perplexity.OfSlidingWindow(model, ids, 30, 12, segments: 2).Tokens);
    }

    [Fact]
    public void Losses_in_pieces_are_those_of_the_whole_sequence()
    {
        var ids = _tiny.Ids(160);   // longer than a piece of logits
        var losses = new TokenLosses(_tiny.Load()).Of(ids);
        Assert.Equal(ReferenceLosses(ids), losses.Select(l => (double)l), (a, b) => Math.Abs(a - b) < 1e-4);
    }

    [Fact]
    public void Progress_counts_to_the_end_and_ends_at_the_result()
    {
        var reports = new List<EvaluationProgress>();
        var result = Perplexity.OfSegments(_tiny.Load(), _tiny.Ids(100), 25, progress: new Collect(reports));
        Assert.Equal([1, 2, 3, 4], reports.Select(r => r.Done));
        Assert.All(reports, r => Assert.Equal(4, r.Total));
        Assert.Equal(result.Perplexity, reports[^1].Perplexity);
    }

    [Fact]
    public void A_text_too_short_is_refused_with_both_numbers()
    {
        var e = Assert.Throws<InvalidDataException>(() => Perplexity.OfSegments(_tiny.Load(), _tiny.Ids(29), 30));
        Assert.Contains("29 tokens", e.Message, StringComparison.Ordinal);
        Assert.Contains("30 are needed", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Lengths_and_strides_that_cannot_be_are_refused()
    {
        var (model, ids) = (_tiny.Load(), _tiny.Ids(100));
        Assert.Throws<ArgumentException>(() => Perplexity.OfSegments(model, ids, 1));
        Assert.Contains("context of 160", Assert.Throws<ArgumentException>(() => Perplexity.OfSegments(model, ids, 161)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Perplexity.OfSegments(model, ids, 30, segments: 0));
        Assert.Throws<ArgumentException>(() => Perplexity.OfSlidingWindow(model, ids, 30, 0));
        Assert.Throws<ArgumentException>(() => Perplexity.OfSlidingWindow(model, ids, 30, 30));
    }

    [Fact]
    public void Weights_that_overflow_are_named_not_averaged()
    {
        var tensors = new StoredTensors();
        foreach (var t in _tiny.Tensors.All)
            tensors.Add(t.Name, t.Name == "model.norm.weight" ? StoredTensor.FromValues(t.Name, Enumerable.Repeat(float.NaN, 24).ToArray(), 24) : t);
        Assert.Throws<InvalidDataException>(() => Perplexity.OfSegments(Model.Load(tensors, _tiny.Config), _tiny.Ids(40), 20));
    }

    private double[] ReferenceLosses(int[] ids)
    {
        var logits = new ReferenceDecoder(_tiny.Config, _tiny.Tensors).Logits(ids);
        return [.. Enumerable.Range(1, ids.Length - 1).Select(t => Math.Log(logits[t - 1].Sum(Math.Exp)) - logits[t - 1][ids[t]])];
    }

    private static void AssertResult(double[] losses, int segments, PerplexityResult result)
    {
        double mean = losses.Average(), deviation = Math.Sqrt(losses.Sum(l => (l - mean) * (l - mean)) / (losses.Length - 1));
        Assert.Equal((losses.Length, segments), (result.Tokens, result.Segments));
        Assert.Equal(mean, result.MeanLoss, 1e-5);
        Assert.Equal(Math.Exp(mean), result.Perplexity, 1e-4 * Math.Exp(mean));
        Assert.Equal(Math.Exp(mean) * deviation / Math.Sqrt(losses.Length), result.StandardError, 1e-4 * Math.Exp(mean));
    }

    private sealed class Collect(List<EvaluationProgress> into) : IProgress<EvaluationProgress>
    {
        public void Report(EvaluationProgress value) => into.Add(value);
    }
}
