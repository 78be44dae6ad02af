using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Evaluation;

/// <summary>−ln p of the tokens of a sequence, from logits computed for a few tokens at a time.</summary>
public sealed class TokenLosses(Model model)
{
    private readonly TokenScores _scores = new(model);

    /// <summary>The losses of tokens <paramref name="first"/> … of a sequence, each given all tokens before it.</summary>
    /// <param name="ids">The sequence, which begins at position 0.</param>
    /// <param name="first">The first token to score, at least 1.</param>
    /// <returns>ids.Length − first losses.</returns>
    /// <exception cref="InvalidDataException">The model's logits are not numbers.</exception>
    public float[] Of(ReadOnlySpan<int> ids, int first = 1)
    {
        Check(ids, first);
        return first == ids.Length ? [] : Of(model.Forward(ids), ids, first);
    }

    /// <summary>As <see cref="Of(ReadOnlySpan{int}, int)"/>, from hidden states that the model gave.</summary>
    /// <param name="hidden">After the last norm, tokens × hidden.</param>
    public float[] Of(Matrix<float> hidden, ReadOnlySpan<int> ids, int first = 1)
    {
        Check(ids, first);
        int[] rows = [.. Enumerable.Range(first - 1, ids.Length - first)];
        return [.. _scores.Of(hidden, rows, ids[first..].ToArray()).Select(s => s.Loss)];
    }

    private static void Check(ReadOnlySpan<int> ids, int first)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(first, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, ids.Length);
    }
}
