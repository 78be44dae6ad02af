using System.Numerics.Tensors;

namespace Quarank.Evaluation;

/// <summary>The likeliest tokens of one distribution.</summary>
internal static class TopTokens
{
    /// <summary>So many of the likeliest count for agreement.</summary>
    public const int Few = 5;

    private const int Piece = 128;

    /// <summary>The ids of the greatest logits, the greatest first, of equals the smaller id; as many as <paramref name="ids"/> has room for.</summary>
    /// <param name="logits">At least that many.</param>
    public static void Find(ReadOnlySpan<float> logits, Span<int> ids)
    {
        int held = 0;
        for (int start = 0; start < logits.Length; start += Piece)
        {
            var piece = logits.Slice(start, Math.Min(Piece, logits.Length - start));
            // All but few pieces have none that is greater than the least one held.
            if (held == ids.Length && !(TensorPrimitives.Max(piece) > logits[ids[^1]])) continue;
            for (int i = 0; i < piece.Length; i++)
            {
                float logit = piece[i];
                if (held < ids.Length) held++;
                else if (!(logit > logits[ids[^1]])) continue;
                int at = held - 1;
                for (; at > 0 && logit > logits[ids[at - 1]]; at--) ids[at] = ids[at - 1];
                ids[at] = start + i;
            }
        }
    }

    /// <summary>What share of <paramref name="some"/> stands in <paramref name="others"/>.</summary>
    public static double Shared(ReadOnlySpan<int> some, ReadOnlySpan<int> others)
    {
        int shared = 0;
        foreach (int id in some)
            if (others.Contains(id)) shared++;
        return (double)shared / some.Length;
    }
}
