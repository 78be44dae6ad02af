using System.Text.Json.Serialization;
using Quarank.Layers;
using Quarank.Numerics.Kernels;

namespace Quarank.Compression.Methods;

/// <summary>
/// Another method whose layer reads its input rounded to a few bits: W4A4, W4A8, W8A8. The weights are compressed as if it did not (as QuaRot does),
/// but a method that learns a block learns with the block's inputs rounded; what else is fitted to the rounded input is <see cref="Lrc"/>.
/// </summary>
/// <param name="Inner">What compresses the weight.</param>
/// <param name="Input">Bits, groups and range of the input.</param>
/// <param name="Clip">Which part of a dynamic range is kept; null: found by search on the calibration tokens.</param>
public sealed record RoundedInputs(Method Inner, InputGrid Input, double? Clip = 1) : Method
{
    [JsonIgnore] public override Needs Needs => Inner.Needs | Needs.Gram;

    [JsonIgnore] public override BlockMethod? Learner => Inner.Learner;

    [JsonIgnore] public override TokenWeights PreferredWeights => Inner.PreferredWeights;

    [JsonIgnore] public override double? BudgetBitsPerWeight => Inner.BudgetBitsPerWeight;

    [JsonIgnore] public override InputRounding? Rounding => new(Input, Clip);

    public override void Validate()
    {
        Rounding!.Validate();
        if (Inner is ScaledMethod) throw new ArgumentException("Inputs are rounded when they have been scaled: put the rounding inside the method that scales channels.");
        if (Inner.Rounding is not null) throw new ArgumentException("This method rounds its inputs already; once is enough.");
        Inner.Validate();
    }

    public override Method Fit(IReadOnlyList<LayerShape> layers) => this with { Inner = Inner.Fit(layers) };

    public override long PlannedBits(LayerShape layer) => Inner.PlannedBits(layer) + QuantizedInputFormat.RangeBits(Input);

    public override Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers) =>
        Inner.AtBitsPerWeight(bitsPerWeight, layers) is { } inner ? this with { Inner = inner } : null;

    internal override long WorkBytes(int rows, int columns) => Inner.WorkBytes(rows, columns) + 24L * rows * columns;

    public override Linear Compress(LayerProblem problem)
    {
        Validate();
        return new QuantizedInputLinear(RounderOf(problem, Rounding!), Inner.Compress(problem));
    }

    internal override Linear Around(LayerProblem problem, Linear learned) =>
        new QuantizedInputLinear(RounderOf(problem, Rounding!), Inner.Around(problem, learned));

    /// <summary>What calibration found, or a dynamic range that asks for nothing found.</summary>
    internal static InputRounder RounderOf(LayerProblem problem, InputRounding rounding)
    {
        if (problem.Inputs.Rounded is { } seen && seen.Rounder.Grid == rounding.Grid) return seen.Rounder;
        if (!rounding.Grid.Static && rounding.Clip is { } clip) return InputRounder.Dynamic(rounding.Grid, (float)clip);
        throw new ArgumentException($"{problem.Name}: calibration has no {(rounding.Grid.Static ? "range" : "clip ratio")} of this input.", nameof(problem));
    }
}
