namespace Quarank.Compression.Methods;

/// <summary>The uniform rank fraction ρ that spends LoRDQ's budget over a whole model (spec §2.5).</summary>
internal static class LordqBudget
{
    /// <summary>By codes: ρ = t·ΣMN / Σ min(M,N)(b_P·M + b_Q·N). By bytes: the largest ρ whose stored bytes fit.</summary>
    /// <exception cref="ArgumentException">No component fits, or full rank takes less than the budget.</exception>
    public static double RankFraction(Lordq method, IReadOnlyList<LayerShape> layers)
    {
        double weights = layers.Sum(l => (double)l.Rows * l.Columns), budget = method.BitsPerWeight * weights;
        double fullRank = layers.Sum(l => Math.Min(l.Rows, l.Columns) * ((double)method.PBits * l.Rows + (double)method.QBits * l.Columns));
        double most = method.Budget == BitBudget.Codes ? fullRank : layers.Sum(l => (double)method.BitsOf(l, Math.Min(l.Rows, l.Columns)));
        if (budget > most)
            throw new ArgumentException(FormattableString.Invariant(
                $"{method.BitsPerWeight} bits per weight are more than LoRDQ can use with P of {method.PBits} and Q of {method.QBits} bits: full rank takes {most / weights:0.###}. Ask for fewer, or give P and Q more bits."));

        double fraction = method.Budget == BitBudget.Codes ? budget / fullRank : Largest(f => layers.Sum(l => (double)method.BitsOf(l, Lordq.RankOf(f, l.Rows, l.Columns))) <= budget);
        if (layers.All(l => Lordq.RankOf(fraction, l.Rows, l.Columns) == 0))
            throw new ArgumentException(FormattableString.Invariant(
                $"{method.BitsPerWeight} bits per weight are too few for one component of any layer; the smallest layer needs {layers.Min(l => (double)method.BitsOf(l, 1) / ((double)l.Rows * l.Columns)):0.###}."));
        return fraction;
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
