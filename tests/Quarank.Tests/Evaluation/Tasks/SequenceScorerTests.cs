using Quarank.Checkpoints;
using Quarank.Evaluation.Tasks;
using Quarank.Evaluation.Tasks.Scoring;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Tests.Support;
using Quarank.Tests.Tokenizers;
using Quarank.Tokenizers;
using Xunit;

namespace Quarank.Tests.Evaluation.Tasks;

public class SequenceScorerTests
{
    private readonly SomeLlama _tiny = SomeLlama.Build(50, ("vocab_size", 280), ("bos_token_id", 1));
    private readonly Tokenizer _tokenizer = TinyTokenizers.Load(TinyTokenizers.ByteLevel());

    [Fact]
    public void A_continuation_is_what_the_whole_text_has_beyond_the_tokens_of_its_context()
    {
        var encoder = new SequenceEncoder(_tokenizer, _tiny.Spec);
        var sequence = encoder.Pair(new("a t", " the"), "");
        Assert.Equal("a t", _tokenizer.Decode(sequence.Tokens.AsSpan(..^sequence.Scored)));
        Assert.Equal([_tokenizer.TokenId("Ġthe")!.Value], sequence.Targets.ToArray());

        // " t" is a token alone, " the" another: the context keeps its own two, and of the whole all but the first two follow.
        var across = encoder.Pair(new("a t", "he the"), "");
        Assert.Equal([.. _tokenizer.Encode("a t"), .. _tokenizer.Encode("a the the")[2..]], across.Tokens);
        Assert.Equal(1, across.Scored);
    }

    [Fact]
    public void Spaces_at_the_end_of_a_context_go_to_the_continuation()
    {
        var encoder = new SequenceEncoder(_tokenizer, _tiny.Spec);
        var (moved, plain) = (encoder.Pair(new("a ", "the"), ""), encoder.Pair(new("a", " the"), ""));
        Assert.Equal(plain.Tokens, moved.Tokens);
        Assert.Equal(1, moved.Scored);
    }

    [Fact]
    public void An_empty_context_is_the_token_that_begins_texts()
    {
        var sequence = new SequenceEncoder(_tokenizer, _tiny.Spec).Pair(new("", "the"), "");
        Assert.Equal([1, .. _tokenizer.Encode("the")], sequence.Tokens);
    }

    [Fact]
    public void Texts_too_long_lose_tokens_at_the_front()
    {
        var encoder = new SequenceEncoder(_tokenizer, _tiny.Spec);
        string context = string.Concat(Enumerable.Range(0, 100).Select(i => $"{i} "));
        var sequence = encoder.Pair(new(context, "the end"), "");
        Assert.Equal(_tiny.Spec.ContextLength, sequence.Inputs.Length);
        Assert.Equal(_tokenizer.Encode(context + "the end")[^161..], sequence.Tokens);
        Assert.Contains("row 3: a continuation of", Assert.Throws<InvalidDataException>(() => encoder.Pair(new("a", context), "row 3")).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => encoder.Pair(new("a", ""), ""));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(23)]
    [InlineData(40)]
    public void Windows_score_each_token_once_and_the_last_one_is_filled_up(int length)
    {
        const string text = "the quick brown fox jumps";
        int[] ids = _tokenizer.Encode(text);
        var windows = new SequenceEncoder(_tokenizer, _tiny.Spec).Windows(text, length);
        Assert.Equal(ids, windows.SelectMany(w => w.Targets.ToArray()));
        Assert.All(windows, w => Assert.Equal(Math.Min(length, ids.Length), w.Inputs.Length));
        Assert.Equal(1, windows[0].Tokens[0]);
        Assert.All(windows.SkipLast(1), w => Assert.Equal(w.Inputs.Length, w.Scored));
    }

    [Fact]
    public void Shared_beginnings_change_no_log_likelihood()
    {
        var model = _tiny.Load();
        int[] question = _tiny.Ids(40), other = _tiny.Ids(30, 9);
        ScoredSequence[] sequences =
        [
            new([.. question, 5, 6, 7], 3), new([.. question, 5, 6, 8], 3), new([.. question, 9], 1), new([.. question, 11], 1),   // the last two read the same
            new([.. question, 9, 10, 11, 12], 4), new([.. other, 1, 2], 2), new([.. question, 3, 4], 2),
        ];
        var scores = Score(model, sequences);
        for (int i = 0; i < sequences.Length; i++) Assert.Equal(Alone(model, sequences[i]), scores[i].LogLikelihood, 1e-4);
    }

    [Theory]
    [InlineData("gemma2")]
    [InlineData("gemma3")]
    [InlineData("llama3-rope")]
    [InlineData("mistral-window")]
    [InlineData("mixtral")]
    [InlineData("opt")]
    [InlineData("opt-post-norm-proj")]
    [InlineData("phi3")]
    [InlineData("phi3-longrope")]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    public void Shared_beginnings_change_no_log_likelihood_of_any_family(string name)
    {
        using var checkpoint = Checkpoint.Open(Shared.Find("golden", "arch", name));
        var model = Model.Load(checkpoint);
        var random = new Random(3);
        int[] question = Ids(28);   // phi3-longrope's switch is at 32, mistral's window 8
        ScoredSequence[] sequences = [Answer(2), Answer(3), Answer(12), Answer(20), Answer(3), new([.. Ids(34)], 5)];
        var scores = Score(model, sequences);
        for (int i = 0; i < sequences.Length; i++) Assert.Equal(Alone(model, sequences[i]), scores[i].LogLikelihood, 1e-4);

        int[] Ids(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(model.Spec.VocabularySize))];
        ScoredSequence Answer(int count) => new([.. question, .. Ids(count)], count);
    }

    [Fact]
    public void Greedy_is_what_the_model_itself_would_say()
    {
        var model = _tiny.Load();
        int[] context = _tiny.Ids(20);
        int[] said = [.. Generator.Generate(model, context, 4, new Sampler(), stopAtEnd: false)];
        int[] changed = [.. said[..3], (said[3] + 1) % 280];
        Assert.Equal([true, false], Score(model, [new([.. context, .. said], 4), new([.. context, .. changed], 4)]).Select(s => s.IsGreedy));
    }

    [Fact]
    public void Scores_are_the_same_bits_at_any_thread_count()
    {
        int count = Threads.Count;
        try
        {
            var model = _tiny.Load();
            ScoredSequence[] sequences = [.. Enumerable.Range(0, 30).Select(i => new ScoredSequence(_tiny.Ids(50 + i % 7, i / 3), 1 + i % 5))];
            Threads.Count = 1;
            var one = Score(model, sequences);
            Threads.Count = 3;
            Assert.Equal(one, Score(model, sequences));
        }
        finally
        {
            Threads.Count = count;
        }
    }

    /// <summary>By a forward pass of its own.</summary>
    private static double Alone(Model model, ScoredSequence sequence) =>
        -new Quarank.Evaluation.TokenLosses(model).Of(sequence.Tokens, sequence.Tokens.Length - sequence.Scored).Sum(l => (double)l);

    private static Score[] Score(Model model, ScoredSequence[] sequences)
    {
        var scores = new Score[sequences.Length];
        var scorer = new SequenceScorer(model);
        for (int i = 0; i < scores.Length; i++)
        {
            int at = i;
            scorer.Add(sequences[i], s => scores[at] = s);
            scorer.RunIfFull();
        }
        scorer.Run();
        return scores;
    }
}
