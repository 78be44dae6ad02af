using System.Numerics.Tensors;
using Quarank.Numerics;

namespace Quarank.Evaluation;

/// <summary>Two models before the same next token.</summary>
/// <param name="DenseLoss">−ln p of the token that came.</param>
/// <param name="Loss">−ln q of it.</param>
/// <param name="Kl">Σ p (ln p − ln q) over the vocabulary, p the dense model's.</param>
/// <param name="Agrees">Whether both hold the same token for the likeliest.</param>
/// <param name="SharedTop">What share of the dense model's few likeliest tokens is among the model's.</param>
internal readonly record struct TokenDivergence(double DenseLoss, double Loss, double Kl, bool Agrees, double SharedTop);

/// <summary>Distributions of two models compared token by token, from logits computed for a few tokens at a time.</summary>
internal sealed class TokenDivergences(Predictor dense, Predictor model)
{
    private const int Piece = 1024;

    private readonly LogitRows _dense = new(dense), _model = new(model);

    /// <summary>All tokens of a segment but the first, each foretold from those before it.</summary>
    public TokenDivergence[] Of(Matrix<float> denseStates, Matrix<float> states, ReadOnlySpan<int> ids)
    {
        var (found, targets) = (new TokenDivergence[ids.Length - 1], ids[1..].ToArray());
        for (int done = 0; done < found.Length; done += LogitRows.Chunk)
        {
            int first = done, count = Math.Min(LogitRows.Chunk, found.Length - done);
            var (p, q) = (_dense.Of(denseStates, first, count), _model.Of(states, first, count));
            Threads.For(count, t => found[first + t] = Compare(p.Row(t), q.Row(t), targets[first + t]));
        }
        return found;
    }

    /// <summary>
    /// With logits a and b less their maxima, S = Σ eᵃ and T = Σ eᵇ: KL = Σ eᵃ (a − b) / S − ln S + ln T. Vectors in float,
    /// pieces summed in double; a model against itself gives zero exactly. Overwrites the logits.
    /// </summary>
    private static TokenDivergence Compare(Span<float> a, Span<float> b, int target)
    {
        int few = Math.Min(TopTokens.Few, a.Length);
        Span<int> fewA = stackalloc int[few], fewB = stackalloc int[few];
        TopTokens.Find(a, fewA);
        TopTokens.Find(b, fewB);
        int topA = fewA[0], topB = fewB[0];
        float wantedA = a[target] - a[topA], wantedB = b[target] - b[topB];
        TensorPrimitives.Subtract(a, a[topA], a);
        TensorPrimitives.Subtract(b, b[topB], b);
        double sumA = 0, sumB = 0, dot = 0;
        Span<float> difference = stackalloc float[Piece];
        for (int i = 0; i < a.Length; i += Piece)
        {
            int count = Math.Min(Piece, a.Length - i);
            Span<float> pieceA = a.Slice(i, count), pieceB = b.Slice(i, count), d = difference[..count];
            TensorPrimitives.Subtract<float>(pieceA, pieceB, d);
            TensorPrimitives.Exp<float>(pieceA, pieceA);
            TensorPrimitives.Exp<float>(pieceB, pieceB);
            sumA += TensorPrimitives.Sum<float>(pieceA);
            sumB += TensorPrimitives.Sum<float>(pieceB);
            dot += TensorPrimitives.Dot<float>(pieceA, d);
        }
        double logA = Math.Log(sumA), logB = Math.Log(sumB), kl = dot / sumA - logA + logB;
        if (!double.IsFinite(kl) || !float.IsFinite(wantedA) || !float.IsFinite(wantedB))
            throw LogitRows.NotFinite();
        // Rounding can leave a KL of nearly nothing a little below it.
        return new(logA - wantedA, logB - wantedB, Math.Max(0, kl), topA == topB, TopTokens.Shared(fewA, fewB));
    }
}
