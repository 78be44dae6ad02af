using Quarank.Numerics;

namespace Quarank.Evaluation;

/// <summary>A model's distributions compared token by token with saved ones, the tokens that were not saved taken as one.</summary>
internal sealed class SavedDivergences(Predictor model)
{
    private readonly LogitRows _logits = new(model);

    /// <summary>All tokens of a segment but the first, each foretold from those before it.</summary>
    public TokenDivergence[] Of(SavedPosition[] dense, Matrix<float> states, ReadOnlySpan<int> ids)
    {
        var (found, targets) = (new TokenDivergence[dense.Length], ids[1..].ToArray());
        for (int done = 0; done < found.Length; done += LogitRows.Chunk)
        {
            int first = done, count = Math.Min(LogitRows.Chunk, found.Length - done);
            var logits = _logits.Of(states, first, count);
            Threads.For(count, t => found[first + t] = Compare(dense[first + t], logits.Row(t), targets[first + t]));
        }
        return found;
    }

    /// <summary>Overwrites the logits.</summary>
    private static TokenDivergence Compare(SavedPosition dense, Span<float> logits, int target)
    {
        Span<int> few = stackalloc int[Math.Min(TopTokens.Few, logits.Length)];
        TopTokens.Find(logits, few);
        double wanted = logits[target];
        Span<double> picked = stackalloc double[dense.Ids.Length];
        for (int i = 0; i < picked.Length; i++)
        {
            ref float logit = ref logits[dense.Ids[i]];
            picked[i] = logit;
            logit = float.NegativeInfinity;
        }
        double rest = LogSum.Of(logits), all = LogSum.Of(picked, rest), kl = 0;
        // Saved logits are rounded: p is what they and the rest amount to, so that it sums to one.
        double denseAll = LogSum.Of(dense.Logits, dense.Rest);
        for (int i = 0; i < picked.Length; i++) kl += Term(dense.Logits[i] - denseAll, picked[i] - all);
        if (!double.IsNegativeInfinity(dense.Rest)) kl += Term(dense.Rest - denseAll, rest - all);
        if (!double.IsFinite(kl) || !double.IsFinite(wanted)) throw LogitRows.NotFinite();
        return new(dense.Loss, all - wanted, Math.Max(0, kl), dense.Ids[0] == few[0], TopTokens.Shared(dense.Ids.AsSpan(0, few.Length), few));
    }

    private static double Term(double logP, double logQ) => Math.Exp(logP) * (logP - logQ);
}
