using System.Numerics.Tensors;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Evaluation;

/// <summary>How a token was foretold.</summary>
/// <param name="Loss">−ln p of it.</param>
/// <param name="IsLikeliest">Whether none is likelier; of equals the first counts.</param>
internal readonly record struct TokenScore(float Loss, bool IsLikeliest);

/// <summary>Scores of tokens from hidden states, by logits that are computed for a few tokens at a time.</summary>
internal sealed class TokenScores(Model model)
{
    private const int Chunk = 128;

    private Matrix<float>? _hidden, _logits;

    /// <param name="hidden">As <see cref="Model.Forward(ReadOnlySpan{int})"/> returns them, tokens × the head's width.</param>
    /// <param name="rows">The states before the tokens to score.</param>
    /// <param name="targets">The tokens to score.</param>
    /// <exception cref="InvalidDataException">The model's logits are not numbers.</exception>
    public TokenScore[] Of(Matrix<float> hidden, int[] rows, int[] targets)
    {
        var scores = new TokenScore[targets.Length];
        for (int done = 0; done < scores.Length; done += Chunk)
        {
            int first = done, count = Math.Min(Chunk, scores.Length - done);
            var logits = Logits(hidden, rows.AsSpan(first, count));
            Threads.For(count, t => scores[first + t] = Score(logits.Row(t), targets[first + t]));
        }
        return scores;
    }

    private Matrix<float> Logits(Matrix<float> hidden, ReadOnlySpan<int> rows)
    {
        if (_hidden?.Rows != rows.Length)
        {
            _hidden = new Matrix<float>(rows.Length, hidden.Columns);
            _logits = new Matrix<float>(rows.Length, model.Spec.VocabularySize);
        }
        for (int t = 0; t < rows.Length; t++) hidden.Row(rows[t]).CopyTo(_hidden.Row(t));
        model.Head.Logits(_hidden, _logits!, model.Settings.Inputs);
        return _logits!;
    }

    /// <summary>ln Σ exp(logits) − logit of the target; overwrites the logits.</summary>
    private static TokenScore Score(Span<float> logits, int target)
    {
        int likeliest = TensorPrimitives.IndexOfMax<float>(logits);
        float wanted = logits[target], greatest = logits[likeliest];
        if (!float.IsFinite(greatest) || !float.IsFinite(wanted))
            throw new InvalidDataException("The model's logits are not finite numbers: its weights are damaged or overflow.");
        TensorPrimitives.Subtract(logits, greatest, logits);
        TensorPrimitives.Exp<float>(logits, logits);
        return new((float)(Math.Log(TensorPrimitives.Sum<float>(logits)) + greatest - wanted), likeliest == target);
    }
}
