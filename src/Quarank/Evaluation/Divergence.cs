using Quarank.Models;
using Quarank.Numerics;

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

        var (losses, denseLosses, differences, kl) = (new SampleMean(), new SampleMean(), new SampleMean(), new SampleMean());
        var all = new float[(long)count * (length - 1)];
        long agreed = 0;
        var scorer = new TokenDivergences(dense.Head, model.Head);
        for (int i = 0; i < count; i++)
        {
            foreach (var token in scorer.Of(dense.States(i), model.States(i), ids.Slice(i * length, length)))
            {
                all[kl.Count] = (float)token.Kl;
                kl.Add(token.Kl);
                losses.Add(token.Loss);
                denseLosses.Add(token.DenseLoss);
                differences.Add(token.Loss - token.DenseLoss);
                if (token.Agrees) agreed++;
            }
            progress?.Report(new(i + 1, count, Math.Exp(losses.Mean)));
        }
        string protocol = Perplexity.SegmentProtocol(length);
        Array.Sort(all);
        return new(losses.Perplexity(protocol, count), denseLosses.Perplexity(protocol, count), differences.Mean,
            differences.StandardError, kl.Mean, kl.StandardError, Percentile(all, 0.99), (double)agreed / all.Length);
    }

    /// <summary>The value at <paramref name="share"/> · (n − 1) of sorted values, between two of them by linear
    /// interpolation.</summary>
    internal static double Percentile(ReadOnlySpan<float> sorted, double share)
    {
        double at = share * (sorted.Length - 1);
        int below = (int)at, above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + (at - below) * ((double)sorted[above] - sorted[below]);
    }
}
