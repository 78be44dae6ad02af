using System.Text.Json.Serialization;
using Quarank.Layers;

namespace Quarank.Compression.Learning.Tuning;

/// <summary>
/// How the numbers of compressed layers are tuned, whatever their form, on what their block gives, once all of the block is compressed: scales, offsets,
/// levels, factors and the gains of norms move, codes stay.
/// </summary>
/// <param name="Learning">Steps, batch, held-out sequences, weights of tokens; its rate is that of scales, in parts of each.</param>
/// <param name="FactorRate">The rate of entries of low-rank factors (and of weights that are not rounded yet), in parts of their root mean square.</param>
public sealed record TuningSettings(LearningSettings Learning, double FactorRate = 0.002)
{
    /// <summary>The rate of scales where <see cref="LearningSettings.Rate"/> does not say.</summary>
    public const double DefaultRate = 0.003;

    /// <summary>Factors of channels that tuning adds to every compressed layer, 16 bits each; null for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ScaledSides? Factors { get; init; }

    /// <summary>
    /// Whether weights that are not rounded yet make up for those that are: behind each site of a block its other layers are tuned as they are, and then
    /// compressed as they have become. Needs order "site".
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Rest { get; init; }

    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    public void Validate()
    {
        Learning.Validate();
        if (!(FactorRate > 0 && double.IsFinite(FactorRate))) throw new ArgumentException($"The rate of factors is a positive number, not {FactorRate}.");
    }

    /// <summary>What tuning adds to a rows × columns layer.</summary>
    public long AddedBits(int rows, int columns) => Factors is { } sides ? ScaledFormat.FactorBits(sides, rows, columns) : 0;

    /// <summary>The layer as it is tuned: with factors of one, where it is to have some.</summary>
    internal Linear Prepare(Linear layer)
    {
        if (Factors is not { } sides) return layer;
        var (inner, inputs, outputs) = layer is ScaledLinear scaled ? (scaled.Inner, scaled.Factors, scaled.Gains) : (layer, null, null);
        return new ScaledLinear(inner, inputs ?? (sides == ScaledSides.Outputs ? null : Ones(layer.Columns)), outputs ?? (sides == ScaledSides.Inputs ? null : Ones(layer.Rows)));
    }

    private static float[] Ones(int count)
    {
        var ones = new float[count];
        Array.Fill(ones, 1);
        return ones;
    }
}
