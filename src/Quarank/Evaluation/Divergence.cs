namespace Quarank.Evaluation;

/// <summary>A model beside the dense one it was made of, in one pass over a text.</summary>
public static class Divergence
{
    /// <summary>
    /// Compares next-token distributions on segments as <see cref="Perplexity.OfSegments"/> cuts them: n tokens in a segment
    /// give n − 1 distributions. Logits exist for 128 tokens at a time, so that both models together take
    /// 1 KiB · vocabulary for them; beside that a segment's states, and 4 bytes for every token of the text.
    /// </summary>
    /// <param name="dense">The distributions p.</param>
    /// <param name="model">The distributions q.</param>
    /// <param name="ids">The text's tokens.</param>
    /// <param name="length">Tokens in a segment.</param>
    /// <param name="segments">At most so many, from the start; null takes all.</param>
    /// <exception cref="InvalidDataException">The models' vocabularies differ, logits are not numbers, or the text is too
    /// short.</exception>
    public static DivergenceResult OfSegments(
        Predictor dense, Predictor model, ReadOnlySpan<int> ids, int length, int? segments = null,
        IProgress<EvaluationProgress>? progress = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 2);
        if (dense.Head.Table.Rows != model.Head.Table.Rows)
            throw new InvalidDataException($"The models' vocabularies differ: {dense.Head.Table.Rows:N0} tokens in the dense one, "
                + $"{model.Head.Table.Rows:N0} in the other; compare a model with the one it was made of.");
        int count = Math.Min(ids.Length / length, segments ?? int.MaxValue);
        if (count == 0) throw new InvalidDataException($"The text has {ids.Length} tokens; at least {length} are needed.");

        var tally = new DivergenceTally((long)count * (length - 1));
        var scorer = new TokenDivergences(dense, model);
        for (int i = 0; i < count; i++)
        {
            tally.Add(scorer.Of(dense.States(i), model.States(i), ids.Slice(i * length, length)));
            progress?.Report(new(i + 1, count, tally.Perplexity));
        }
        return tally.Result(Perplexity.SegmentProtocol(length), count);
    }

    /// <summary>
    /// As <see cref="OfSegments"/>, with the dense model's distributions from a file. Of each the file has the likeliest tokens and
    /// the mass of all others together, so that the others count as one token here: merging outcomes never raises a divergence, and what comes out is a
    /// lower bound of the exact one. Perplexities and top tokens are exact.
    /// </summary>
    /// <param name="dense">The distributions p.</param>
    /// <param name="model">The distributions q, on segments of the length of the file.</param>
    /// <param name="ids">The text's tokens.</param>
    /// <param name="segments">At most so many, from the start; null takes all of the file.</param>
    /// <exception cref="InvalidDataException">The file is damaged, of another vocabulary, of other tokens or has too few segments; or logits are not
    /// numbers.</exception>
    public static DivergenceResult OfSaved(
        SavedLogits dense, Predictor model, ReadOnlySpan<int> ids, int? segments = null, IProgress<EvaluationProgress>? progress = null)
    {
        int length = dense.Header.Length, count = dense.SegmentsOf(ids, model.Head.Table.Rows, segments);
        var tally = new DivergenceTally((long)count * (length - 1));
        var scorer = new SavedDivergences(model);
        for (int i = 0; i < count; i++)
        {
            tally.Add(scorer.Of(dense.Segment(i), model.States(i), ids.Slice(i * length, length)));
            progress?.Report(new(i + 1, count, tally.Perplexity));
        }
        return tally.Result(Perplexity.SegmentProtocol(length), count);
    }
}
