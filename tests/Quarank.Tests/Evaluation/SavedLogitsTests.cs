using Quarank.Evaluation;
using Quarank.Models;
using Quarank.Tests.Cli;
using Quarank.Tests.Support;
using Quarank.Tokenizers;
using Xunit;

namespace Quarank.Tests.Evaluation;

public sealed class SavedLogitsTests : IDisposable
{
    private const int Length = 140;   // longer than a chunk of logits
    private static readonly Tokenizer Words = Tokenizer.Load(TheProgram.Tales);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(50)]       // fewer tokens than are kept: nothing is left out
    [InlineData(2500)]
    [InlineData(70000)]    // ids of three bytes
    public void A_model_does_not_diverge_from_its_own_logits(int vocabulary)
    {
        var model = Some(1, vocabulary);
        var result = Beside(model, model, vocabulary > 60000 ? 1 : 2, out var written);
        // Logits are kept to some 1e-5, on which a divergence depends by the square.
        Assert.InRange(result.Spread.Maximum.Value, 0, 1e-8);
        Assert.Equal((1, 1), (result.TopAgreement, result.TopFiveAgreement));
        Assert.Equal(0, result.LossDifference, 1e-6);   // two roundings to float of a sum
        Assert.Equal(written.Perplexity, result.Dense.Perplexity, 1e-9 * written.Perplexity);
        Assert.Equal(written.Perplexity, result.Model.Perplexity, 1e-5 * written.Perplexity);
    }

    [Fact]
    public void With_the_whole_vocabulary_kept_the_divergence_is_the_exact_one()
    {
        var (dense, model) = (Some(1, 50), Some(2, 50));
        var (found, exact) = (Beside(dense, model, 2, out _), Exact(dense, model, 2));
        Assert.Equal(exact.KlMean, found.KlMean, 1e-4);
        Assert.Equal(exact.Spread.P99.Value, found.Spread.P99.Value, 1e-3);
        SameButForDivergence(exact, found);
    }

    [Fact]
    public void With_a_rest_it_is_below_the_exact_one()
    {
        var (dense, model) = (Some(1, 2500), Some(2, 2500));
        var (found, exact) = (Beside(dense, model, 2, out _), Exact(dense, model, 2));
        Assert.InRange(found.KlMean, 0.1 * exact.KlMean, 0.95 * exact.KlMean);   // random logits: most of the mass is in the rest
        Assert.InRange(found.Spread.Maximum.Value, 0, exact.Spread.Maximum.Value);
        SameButForDivergence(exact, found);
    }

    [Fact]
    public void Fewer_segments_are_the_first_ones_and_more_are_refused()
    {
        var (dense, model) = (Some(1, 50), Some(2, 50));
        var ids = dense.Ids(3 * Length);
        string file = Save(dense, ids, 2);
        using var saved = SavedLogits.Open(file);
        var predictor = Predictor.Of(model.Load(), ids, Length);
        Assert.Equal(2, Divergence.OfSaved(saved, predictor, ids).Model.Segments);
        Assert.Equal(Exact(dense, model, 1).Model, Divergence.OfSaved(saved, predictor, ids, 1).Model, Close);
        Assert.Contains("2 segments, not the 3", Refusal(() => Divergence.OfSaved(saved, predictor, ids, 3)));
    }

    [Fact]
    public void The_size_is_the_stated_one_at_any_thread_count_the_same_bytes()
    {
        var model = Some(1, 2500);
        var ids = model.Ids(2 * Length);
        byte[] first = File.ReadAllBytes(Save(model, ids, null)), second = File.ReadAllBytes(Save(model, ids, null));
        Assert.Equal(160 + 2 * (139 * 276 + 8), first.Length);
        Assert.Equal(first, second);
        using var saved = SavedLogits.Open(Save(model, ids, null));
        Assert.Equal((first.Length, 278L, 276, 64), ((int)saved.Header.FileBytes, saved.Header.Positions, saved.Header.PositionBytes, saved.Header.Top));
    }

    [Fact]
    public void Another_text_tokenizer_vocabulary_or_length_is_refused()
    {
        var model = Some(1, 50);
        var ids = model.Ids(2 * Length);
        using var saved = SavedLogits.Open(Save(model, ids, null));
        saved.Check("text", Words, ids, 50, Length);
        Assert.Contains("another text", Refusal(() => saved.Check("texts", Words, ids, 50, Length)));
        Assert.Contains("140 tokens, not 100; give --length 140", Refusal(() => saved.Check("text", Words, ids, 50, 100)));
        Assert.Contains("vocabulary has 50 tokens, this model's 60", Refusal(() => saved.Check("text", Words, ids, 60, Length)));
        Assert.Contains("another tokenizer", Refusal(() => saved.Check("text", OtherTokenizer(), ids, 50, Length)));
        int[] cutOtherwise = [.. ids];
        cutOtherwise[^1] ^= 1;
        Assert.Contains("not those that this text", Refusal(() => saved.Check("text", Words, cutOtherwise, 50, Length)));
        Assert.Contains("not those that this text", Refusal(() => saved.Check("text", Words, ids.AsSpan(0, Length), 50, Length)));
        var larger = Some(1, 60);
        Assert.Contains("this model's 60", Refusal(() => Divergence.OfSaved(saved, Predictor.Of(larger.Load(), ids, Length), ids)));
    }

    [Fact]
    public void A_file_that_is_cut_off_longer_damaged_or_of_another_kind_is_refused()
    {
        var model = Some(1, 50);
        var ids = model.Ids(2 * Length);
        string file = Save(model, ids, null), bad = _folder["bad"];
        byte[] good = File.ReadAllBytes(file);
        Assert.Contains("not a file of saved logits", Opened([]));
        Assert.Contains("not a file of saved logits", Opened([.. "{\"__metadata__\":{}}"u8]));
        Assert.Contains("header alone takes 160", Opened(good[..100]));
        foreach (int length in (int[])[160, 1000, good.Length - 1]) Assert.Contains("cut off", Opened(good[..length]));
        Assert.Contains("too long", Opened([.. good, 0]));
        for (int at = 8; at < 160; at += 3) Assert.Contains("header is damaged", Opened(Flipped(at)));
        for (int at = 160; at < good.Length; at += 997)
        {
            File.WriteAllBytes(bad, Flipped(at));
            using var saved = SavedLogits.Open(bad);
            string segment = $"segment {(at < 160 + (good.Length - 160) / 2 ? 0 : 1)} is damaged";
            Assert.Contains(segment, Refusal(() => Divergence.OfSaved(saved, Predictor.Of(model.Load(), ids, Length), ids)));
        }

        byte[] Flipped(int at)
        {
            byte[] bytes = [.. good];
            bytes[at] ^= 4;
            return bytes;
        }

        string Opened(byte[] bytes)
        {
            File.WriteAllBytes(bad, bytes);
            string message = Refusal(() => SavedLogits.Open(bad).Dispose());
            Assert.Contains(bad, message);
            return message;
        }
    }

    [Fact]
    public void Logits_that_are_no_numbers_leave_no_file()
    {
        var model = Some(1, 50);
        var tensors = new Quarank.Checkpoints.StoredTensors();
        foreach (var t in model.Tensors.All)
            tensors.Add(t.Name, t.Name == "model.norm.weight"
                ? Quarank.Checkpoints.StoredTensor.FromValues(t.Name, Enumerable.Repeat(float.NaN, 24).ToArray(), 24) : t);
        var ids = model.Ids(Length);
        var header = SavedLogitsHeader.Of(50, new('a', 64), "text", Words, ids, Length);
        Assert.Contains("not finite", Refusal(() => Quarank.Studies.LogitFile.Save(_folder["logits"], header, Model.Load(tensors, model.Config), ids)));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    private static SomeLlama Some(int seed, int vocabulary) => SomeLlama.Build(seed, ("vocab_size", vocabulary));

    private string Save(SomeLlama model, int[] ids, int? segments, out PerplexityResult written)
    {
        string file = _folder[Guid.NewGuid().ToString()];
        var header = SavedLogitsHeader.Of(model.Spec.VocabularySize, new('a', 64), "text", Words, ids, Length, segments);
        written = Quarank.Studies.LogitFile.Save(file, header, model.Load(), ids);
        return file;
    }

    private string Save(SomeLlama model, int[] ids, int? segments) => Save(model, ids, segments, out _);

    private DivergenceResult Beside(SomeLlama dense, SomeLlama model, int segments, out PerplexityResult written)
    {
        var ids = dense.Ids(segments * Length);
        using var saved = SavedLogits.Open(Save(dense, ids, null, out written));
        return Divergence.OfSaved(saved, Predictor.Of(model.Load(), ids, Length), ids);
    }

    private static DivergenceResult Exact(SomeLlama dense, SomeLlama model, int segments)
    {
        var ids = dense.Ids(3 * Length);
        return Divergence.OfSegments(Predictor.Of(dense.Load(), ids, Length), Predictor.Of(model.Load(), ids, Length), ids, Length, segments);
    }

    private static void SameButForDivergence(DivergenceResult exact, DivergenceResult found)
    {
        Assert.Equal((exact.TopAgreement, exact.TopAgreementError), (found.TopAgreement, found.TopAgreementError));
        Assert.Equal((exact.TopFiveAgreement, exact.TopFiveAgreementError), (found.TopFiveAgreement, found.TopFiveAgreementError));
        Assert.Equal(exact.LossDifference, found.LossDifference, 1e-5);
        Assert.Equal(exact.LossDifferenceError, found.LossDifferenceError, 1e-5);
        Assert.Equal(exact.Model, found.Model, Close);
        Assert.Equal(exact.Dense, found.Dense, Close);
    }

    private static bool Close(PerplexityResult a, PerplexityResult b) =>
        (a.Protocol, a.Tokens, a.Segments) == (b.Protocol, b.Tokens, b.Segments) && Math.Abs(a.MeanLoss - b.MeanLoss) < 1e-5
        && Math.Abs(a.StandardError - b.StandardError) < 1e-4 * a.StandardError;

    private Tokenizer OtherTokenizer()
    {
        string json = File.ReadAllText(Path.Combine(TheProgram.Tales, "tokenizer.json"));
        var tree = System.Text.Json.Nodes.JsonNode.Parse(json)!;
        var vocabulary = tree["model"]!["vocab"]!.AsObject();
        var (a, b) = (vocabulary.ElementAt(300), vocabulary.ElementAt(301));
        int first = a.Value!.GetValue<int>(), second = b.Value!.GetValue<int>();
        (vocabulary[a.Key], vocabulary[b.Key]) = (second, first);
        Directory.CreateDirectory(_folder["other"]);
        File.WriteAllText(Path.Combine(_folder["other"], "tokenizer.json"), tree.ToJsonString());
        return Tokenizer.Load(_folder["other"]);
    }

    private static string Refusal(Action action) => Assert.Throws<InvalidDataException>(action).Message;
}
