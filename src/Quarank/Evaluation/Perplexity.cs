using Quarank.Models;

namespace Quarank.Evaluation;

/// <summary>Perplexity of a text that was encoded once, as a whole.</summary>
public static class Perplexity
{
    /// <summary>
    /// GPTQ's protocol, which papers report: segments that do not overlap and share no context, the tail dropped; in each, all
    /// tokens but the first are foretold. exp of the mean over segments of their mean losses.
    /// </summary>
    /// <param name="ids">The text's tokens; a token that begins texts stands, if the tokenizer puts one, only at the start.</param>
    /// <param name="length">Tokens per segment.</param>
    /// <param name="segments">At most so many, from the start; null takes all.</param>
    /// <exception cref="ArgumentException">The length does not fit the model.</exception>
    /// <exception cref="InvalidDataException">The text has fewer tokens than one segment.</exception>
    public static PerplexityResult OfSegments(
        Model model, ReadOnlySpan<int> ids, int length, int? segments = null, IProgress<EvaluationProgress>? progress = null)
    {
        Check(model, ids, length, segments);
        int count = Math.Min(ids.Length / length, segments ?? int.MaxValue);
        var losses = new SampleMean();
        var scorer = new TokenLosses(model);
        for (int i = 0; i < count; i++)
        {
            foreach (float loss in scorer.Of(ids.Slice(i * length, length))) losses.Add(loss);
            progress?.Report(new(i + 1, count, Math.Exp(losses.Mean)));
        }
        return losses.Perplexity(SegmentProtocol(length), count);
    }

    /// <summary>
    /// A sliding window: each sequence of <paramref name="length"/> tokens begins <paramref name="stride"/> after the one before
    /// and foretells only the tokens that are new in it, so that (but at the start) each has at least length − stride before it.
    /// The last window ends with the text. Every token but the first counts once.
    /// </summary>
    /// <param name="segments">Evaluates at most the first segments · length tokens, the text that <see cref="OfSegments"/> takes; null takes all.</param>
    /// <inheritdoc cref="OfSegments"/>
    public static PerplexityResult OfSlidingWindow(
        Model model, ReadOnlySpan<int> ids, int length, int stride, int? segments = null, IProgress<EvaluationProgress>? progress = null)
    {
        Check(model, ids, length, segments);
        if (stride < 1 || stride >= length)
            throw new ArgumentException($"The stride must be from 1 to {length - 1} (one less than the length), found {stride}.", nameof(stride));
        ids = ids[..(int)Math.Min(ids.Length, (long)length * (segments ?? int.MaxValue))];
        int count = 1 + (ids.Length - length + stride - 1) / stride;
        var losses = new SampleMean();
        var scorer = new TokenLosses(model);
        for (int i = 0, scored = 1; i < count; i++)
        {
            int end = Math.Min(length + i * stride, ids.Length), start = end - length;
            foreach (float loss in scorer.Of(ids[start..end], scored - start)) losses.Add(loss);
            scored = end;
            progress?.Report(new(i + 1, count, Math.Exp(losses.Mean)));
        }
        return losses.Perplexity($"sliding window of {length}, stride {stride}", count);
    }

    /// <summary>From the losses of every segment.</summary>
    internal static PerplexityResult OfLosses(IReadOnlyList<float[]> segments, int length)
    {
        var losses = new SampleMean();
        foreach (float loss in segments.SelectMany(s => s)) losses.Add(loss);
        return losses.Perplexity(SegmentProtocol(length), segments.Count);
    }

    /// <summary>What <see cref="OfSegments"/> did, in words.</summary>
    internal static string SegmentProtocol(int length) => $"segments of {length}";

    private static void Check(Model model, ReadOnlySpan<int> ids, int length, int? segments)
    {
        int context = model.Spec.ContextLength;
        if (length < 2 || length > context)
            throw new ArgumentException($"The length must be from 2 to the model's context of {context}, found {length}.", nameof(length));
        if (segments < 1) throw new ArgumentException($"The number of segments must be at least 1, found {segments}.", nameof(segments));
        if (ids.Length < length)
        {
            throw new InvalidDataException(
                $"The text has {ids.Length} tokens; at least {length} are needed. Give a longer text or a smaller length.");
        }
    }
}
