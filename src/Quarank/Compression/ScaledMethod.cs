using System.Text.Json.Serialization;
using Quarank.Layers;

namespace Quarank.Compression;

/// <summary>What a scaling method chose for a site.</summary>
/// <param name="Factors">What columns are multiplied by and inputs divided by, as many as <see cref="SiteProblem.FactorCount"/>, all positive.</param>
/// <param name="Words">How they were chosen and what they gain, for the report.</param>
public sealed record ChannelScales(float[] Factors, string Words);

/// <summary>
/// Another method on weights whose columns are multiplied by factors and whose inputs are divided by them. Where it may (<see cref="Fold"/>), a run
/// chooses the factors of all layers that read one vector together and divides in the operation before, which costs nothing; elsewhere, and
/// in <see cref="Compress"/>, a layer has factors of its own, stored as a float16 a column.
/// </summary>
/// <param name="Inner">What compresses the scaled weights.</param>
/// <param name="Fold">Factors go into the operation before the layers, where it can take them.</param>
public abstract record ScaledMethod(Method Inner, bool Fold) : Method
{
    // Beyond these a factor's reciprocal has no place in float16.
    private const float Smallest = 1f / 16384, Largest = 16384;

    /// <summary>The factors of a site's channels.</summary>
    public abstract ChannelScales Choose(SiteProblem site);

    [JsonIgnore] public override double? BudgetBitsPerWeight => Inner.BudgetBitsPerWeight;

    /// <summary>What it rounds are inputs divided by the factors, which must therefore be folded.</summary>
    [JsonIgnore] public override InputRounding? Rounding => Inner.Rounding;

    public override void Validate()
    {
        if (Inner is ScaledMethod) throw new ArgumentException("Channels are scaled once; this method is inside another that scales them.");
        if (Inner.Rounding is not null && !Fold) throw new ArgumentException("Rounded inputs are divided by the factors before they are rounded: the factors must be folded, not kept with the layers.");
        Inner.Validate();
    }

    public override Method Fit(IReadOnlyList<LayerShape> layers) => this with { Inner = Inner.Fit(layers) };

    /// <summary>With factors of its own; a layer whose factors are folded takes what <see cref="Inner"/> takes.</summary>
    public override long PlannedBits(LayerShape layer) => Inner.PlannedBits(layer) + 16L * layer.Columns;

    public override Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers)
    {
        double own = layers.Where(l => !Fold || l.FoldedSite is null).Sum(l => 16.0 * l.Columns) / layers.Sum(l => (double)l.Rows * l.Columns);
        return Inner.AtBitsPerWeight(bitsPerWeight - own, layers) is { } inner ? this with { Inner = inner } : null;
    }

    // The scaled weight and Gram matrices, and one weight tried.
    internal override long WorkBytes(int rows, int columns) => Inner.WorkBytes(rows, columns) + 16L * columns * columns + 16L * rows * columns;

    public override Linear Compress(LayerProblem problem)
    {
        Validate();
        if (Inner.Rounding is not null)
            throw new ArgumentException($"{problem.Name}: its inputs are to be rounded when they have been divided by factors, which only a run of the whole block can do.", nameof(problem));
        var chosen = Choose(new SiteProblem([problem]));
        problem.Note?.Invoke(chosen.Words);
        float[] stored = [.. chosen.Factors.Select(f => (float)(Half)(1 / Math.Clamp(f, Smallest, Largest)))];
        return new ScaledLinear(Inner.Compress(ScaledProblem.Of(problem, [.. stored.Select(f => 1 / f)])), stored);
    }
}
