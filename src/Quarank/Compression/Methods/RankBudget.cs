namespace Quarank.Compression.Methods;

/// <summary>
/// The ranks of a method's layers: as asked, or each layer's own largest one within the same bits per weight (which in half floats is the same ratio of
/// kept parameters in all).
/// </summary>
/// <param name="Style">How factors are stored.</param>
/// <param name="Rank">Goes before the budget.</param>
/// <param name="LayerBitsPerWeight">What each layer may take, if <see cref="Filled"/> has found it.</param>
/// <param name="Beside">Bits that a layer takes beside its factors.</param>
internal sealed record RankBudget(Lordq Style, int? Rank, double? BitsPerWeight, double? LayerBitsPerWeight, Func<LayerShape, long> Beside)
{
    private const double MostFilling = 1.3;

    /// <summary>Refuses a rank or budget that makes no sense.</summary>
    public void Validate()
    {
        Style.Validate();
        if (Rank < 1) throw new ArgumentException($"A rank is at least 1, not {Rank}.");
        if (BitsPerWeight is not (null or (> 0 and <= 32))) throw new ArgumentException($"A budget lies above 0 and up to 32 bits per weight, not {BitsPerWeight}.");
    }

    /// <summary>At least 1.</summary>
    public int RankFor(LayerShape layer) =>
        Math.Max(1, Rank is { } rank ? Math.Min(rank, Math.Min(layer.Rows, layer.Columns)) : RankWithin(layer, LayerBitsPerWeight ?? BitsPerWeight!.Value));

    /// <summary>Every bit of a layer.</summary>
    public long BitsOf(LayerShape layer) => Beside(layer) + Style.BitsOf(layer, RankFor(layer));

    /// <summary>Ranks are whole, so that layers that get what they may leave some over: the bits per weight of a layer with which all together stay within their budget.</summary>
    /// <exception cref="ArgumentException">Some layer has no room for one component.</exception>
    public double Filled(IReadOnlyList<LayerShape> layers)
    {
        double perWeight = BitsPerWeight!.Value, budget = perWeight * layers.Sum(Weights), low = perWeight, high = MostFilling * perWeight;
        foreach (var l in layers)
            if (RankWithin(l, perWeight) == 0)
                throw new ArgumentException(FormattableString.Invariant(
                    $"{perWeight} bits per weight are too few: of {l.Name} one component takes {Style.BitsOf(l, 1) / Weights(l):0.####}, and what is beside it {Beside(l) / Weights(l):0.####}."));
        for (int i = 0; i < 40; i++)
        {
            double middle = (low + high) / 2;
            if (layers.Sum((this with { LayerBitsPerWeight = middle }).BitsOf) <= budget) low = middle;
            else high = middle;
        }
        return low;
    }

    /// <summary>Whether ranks bring all layers together near to the budget.</summary>
    public bool Reaches(IReadOnlyList<LayerShape> layers) => layers.All(l => RankWithin(l, BitsPerWeight!.Value) > 0)
        && layers.Sum((this with { LayerBitsPerWeight = Filled(layers) }).BitsOf) >= 0.9 * BitsPerWeight!.Value * layers.Sum(Weights);

    // The largest rank whose factors fit beside the rest; 0 if not even one component does.
    private int RankWithin(LayerShape layer, double bitsPerWeight)
    {
        double bits = bitsPerWeight * Weights(layer) - Beside(layer);
        var (low, high) = (0, Math.Min(layer.Rows, layer.Columns));
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (Style.BitsOf(layer, middle) <= bits) low = middle;
            else high = middle - 1;
        }
        return low;
    }

    private static double Weights(LayerShape layer) => (double)layer.Rows * layer.Columns;
}
