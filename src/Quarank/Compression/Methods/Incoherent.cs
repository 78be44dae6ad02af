using System.Text.Json.Serialization;
using Quarank.Layers;

namespace Quarank.Compression.Methods;

/// <summary>
/// Another method in rotated coordinates: random rotations on both sides spread large weights and large inputs over all
/// places (Chee et al. 2023, arXiv:2307.13304; Tseng et al. 2024, arXiv:2402.04396). The rotations are stored as a seed.
/// </summary>
/// <param name="Inner">What compresses the rotated weight for the rotated Gram matrix.</param>
/// <param name="Rotation">Random signs and Hadamard matrices, or QuIP's Kronecker products.</param>
public sealed record Incoherent(Method Inner, RotationKind Rotation = RotationKind.Hadamard) : Method
{
    [JsonIgnore] public override TokenWeights PreferredWeights => Inner.PreferredWeights;

    [JsonIgnore] public override double? BudgetBitsPerWeight => Inner.BudgetBitsPerWeight;

    public override void Validate()
    {
        if (Inner is Incoherent or Caldera) throw new ArgumentException("This method rotates a layer already; once is enough.");
        if (Inner.Rounding is not null) throw new ArgumentException("A layer that rounds its inputs is not rotated alone; rotate the model (`quarank transform`).");
        Inner.Validate();
    }

    public override Method Fit(IReadOnlyList<LayerShape> layers) => this with { Inner = Inner.Fit(layers) };

    public override long PlannedBits(LayerShape layer) => Inner.PlannedBits(layer) + TransformedFormat.SeedBits;

    public override Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers) =>
        Inner.AtBitsPerWeight(bitsPerWeight, layers) is { } inner ? this with { Inner = inner } : null;

    // The turned Gram matrix twice while it is transposed; the turned weight.
    internal override long WorkBytes(int rows, int columns) => Inner.WorkBytes(rows, columns) + 24L * columns * columns + 12L * rows * columns;

    public override Linear Compress(LayerProblem problem)
    {
        Validate();
        var rotation = new Compression.Rotation(problem, Rotation);
        return rotation.Back(Inner.Compress(rotation.Turned()));
    }
}
