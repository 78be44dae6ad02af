namespace Quarank.Compression.Methods;

/// <summary>The uniform rank fraction ρ that spends LoRDQ's budget over a whole model (spec §2.5).</summary>
internal static class LordqBudget
{
    /// <summary>By codes: ρ = t·ΣMN / Σ min(M,N)(b_P·M + b_Q·N). By bytes: the largest ρ whose stored bytes fit.</summary>
    /// <exception cref="ArgumentException">One component in every layer takes more than the budget, or full rank takes less.</exception>
    public static double RankFraction(Lordq method, IReadOnlyList<LayerShape> layers)
    {
        double weights = layers.Sum(l => (double)l.Rows * l.Columns), budget = method.BitsPerWeight * weights;
        double Bits(LayerShape l, int rank) => method.Budget == BitBudget.Bytes ? method.BitsOf(l, rank) : method.CodeBitsOf(l, rank);

        double least = layers.Sum(l => Bits(l, 1)), most = layers.Sum(l => Bits(l, Math.Min(l.Rows, l.Columns)));
        if (budget < least)
            throw new ArgumentException(FormattableString.Invariant(
                $"{method.BitsPerWeight} bits per weight are too few: one component in every layer takes {least / weights:0.####}."));
        if (budget > most)
            throw new ArgumentException(FormattableString.Invariant(
                $"{method.BitsPerWeight} bits per weight are more than LoRDQ can use with P of {method.PBits} and Q of {method.QBits} bits: full rank takes {most / weights:0.###}. Ask for fewer, or give P and Q more bits."));
        bool printed = method is { Budget: BitBudget.Codes, Lead: null, Rest: null };
        return printed ? budget / most : Largest(f => layers.Sum(l => Bits(l, Lordq.RankOf(f, l.Rows, l.Columns))) <= budget);
    }

    private static double Largest(Func<double, bool> fits)
    {
        double low = 0, high = 1;
        if (fits(high)) return high;
        for (int i = 0; i < 50; i++)
        {
            double middle = (low + high) / 2;
            if (fits(middle)) low = middle;
            else high = middle;
        }
        return low;
    }
}
