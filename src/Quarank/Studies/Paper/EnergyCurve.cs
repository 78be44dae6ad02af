namespace Quarank.Studies.Paper;

/// <summary>How a figure spreads over layers.</summary>
public sealed record Spread(double Mean, double Deviation, double Least, double Median, double Largest)
{
    /// <param name="values">At least one.</param>
    public static Spread Of(IReadOnlyList<double> values)
    {
        double[] sorted = [.. values.Order()];
        double mean = values.Average();
        return new(mean, Math.Sqrt(values.Average(v => (v - mean) * (v - mean))), sorted[0],
            (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2, sorted[^1]);
    }
}

/// <summary>Relative output errors at one rank, over layers; what is retained is 1 minus it.</summary>
/// <param name="Fraction">Of min(rows, columns).</param>
/// <param name="Weighted">Of the decomposition fitted to the inputs.</param>
/// <param name="Plain">Of W's own.</param>
/// <param name="BesidesFirst">Of the weighted one, the first component left out of both error and energy: a single direction may own the energy.</param>
public sealed record EnergyPoint(double Fraction, Spread Weighted, Spread Plain, Spread BesidesFirst);

/// <summary>The curve of all layers or of those of one kind.</summary>
public sealed record EnergyCurve(string Kind, int Layers, IReadOnlyList<EnergyPoint> Points)
{
    public const string All = "all";

    /// <summary>At a fraction that is one of the points.</summary>
    public EnergyPoint At(double fraction) => Points.First(p => p.Fraction == fraction);

    /// <summary>All layers first, then each kind in the order of the model.</summary>
    public static IReadOnlyList<EnergyCurve> Of(IReadOnlyList<OutputSpectrum> layers, IReadOnlyList<double> fractions) =>
    [
        Of(All, layers, fractions),
        .. layers.GroupBy(l => l.Kind).Select(kind => Of(kind.Key, [.. kind], fractions)),
    ];

    private static EnergyCurve Of(string kind, IReadOnlyList<OutputSpectrum> layers, IReadOnlyList<double> fractions) => new(kind, layers.Count,
        [.. fractions.Select(f => new EnergyPoint(f,
            Spread.Of([.. layers.Select(l => l.Error(true, l.RankAt(f)))]),
            Spread.Of([.. layers.Select(l => l.Error(false, l.RankAt(f)))]),
            Spread.Of([.. layers.Select(l => BesidesFirst(l, l.RankAt(f)))])))]);

    private static double BesidesFirst(OutputSpectrum layer, int rank)
    {
        double rest = layer.Error(true, 1);
        return rest > 0 ? layer.Error(true, rank) / rest : 0;
    }
}

/// <summary>One layer: errors at the fractions of the curves, and what it takes to carry most of its energy.</summary>
/// <param name="First">The share of the output energy that one component carries.</param>
/// <param name="For50">The fraction of the full rank that carries half of the energy; the others likewise.</param>
/// <param name="Lordq">Relative output error of LoRDQ at 2 bits, where it was asked for.</param>
/// <param name="Gptq">The same of row-wise GPTQ at 2 bits.</param>
public sealed record LayerEnergy(
    string Name, string Kind, int Rows, int Columns, IReadOnlyList<double> Weighted, IReadOnlyList<double> Plain, double First, double For50, double For90,
    double For99, double? Lordq = null, double? Gptq = null)
{
    public static LayerEnergy Of(OutputSpectrum layer, IReadOnlyList<double> fractions) => new(layer.Name, layer.Kind, layer.Rows, layer.Columns,
        [.. fractions.Select(f => layer.Error(true, layer.RankAt(f)))], [.. fractions.Select(f => layer.Error(false, layer.RankAt(f)))],
        1 - layer.Error(true, 1), layer.FractionFor(0.5), layer.FractionFor(0.9), layer.FractionFor(0.99));
}
