using System.Numerics.Tensors;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Evaluation;

/// <summary>−ln p of the tokens of a sequence, from logits computed for a few tokens at a time.</summary>
public sealed class TokenLosses(Model model)
{
    private const int Chunk = 128;

    private Matrix<float>? _hidden, _logits;

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
        var losses = new float[ids.Length - first];
        var targets = ids[first..].ToArray();
        for (int done = 0; done < losses.Length; done += Chunk)
        {
            int count = Math.Min(Chunk, losses.Length - done);
            Score(hidden.RowRange(first - 1 + done, count), targets.AsMemory(done, count), losses.AsMemory(done, count));
        }
        return losses;
    }

    private static void Check(ReadOnlySpan<int> ids, int first)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(first, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, ids.Length);
    }

    private void Score(ReadOnlySpan<float> hidden, ReadOnlyMemory<int> targets, Memory<float> losses)
    {
        if (_hidden?.Rows != targets.Length)
        {
            _hidden = new Matrix<float>(targets.Length, model.Spec.HiddenSize);
            _logits = new Matrix<float>(targets.Length, model.Spec.VocabularySize);
        }
        var logits = _logits!;
        hidden.CopyTo(_hidden.Data);
        model.Head.Logits(_hidden, logits);
        Threads.For(targets.Length, t => losses.Span[t] = Loss(logits.Row(t), targets.Span[t]));
    }

    /// <summary>ln Σ exp(logits) − logit of the target; overwrites the logits.</summary>
    private static float Loss(Span<float> logits, int target)
    {
        float wanted = logits[target], greatest = TensorPrimitives.Max<float>(logits);
        if (!float.IsFinite(greatest) || !float.IsFinite(wanted))
            throw new InvalidDataException("The model's logits are not finite numbers: its weights are damaged or overflow.");
        TensorPrimitives.Subtract(logits, greatest, logits);
        TensorPrimitives.Exp<float>(logits, logits);
        return (float)(Math.Log(TensorPrimitives.Sum<float>(logits)) + greatest - wanted);
    }
}
