using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics.Trellis;

namespace Quarank.Compression.Methods;

/// <summary>
/// Weights in a trellis code, two columns at a time with error feedback (in the spirit of QTIP, Tseng et al. 2024, arXiv:2406.11235, without its
/// fine-tuning; the code is our own). Like <see cref="Lattice"/> it is for weights that look Gaussian: it belongs inside <see cref="Incoherent"/>.
/// </summary>
/// <param name="Bits">Of a weight: 1.5 to 4 in halves.</param>
/// <param name="StateBits">Bits of the code's states, at most 16 and at least four times <paramref name="Bits"/>; each more takes twice the time. 0: 14, or 16 above 3 bits.</param>
/// <param name="Passes">Of coordinate descent over the pairs of columns, after the feedback pass.</param>
/// <param name="Damping">λ: λ · mean(diag H) is added to the diagonal.</param>
/// <param name="DampingOf">What λ is a part of, if not of the mean.</param>
public sealed record Trellis(double Bits = 2, int StateBits = 0, int Passes = 1, double Damping = 0.01, DampingOf DampingOf = DampingOf.Mean) : Method
{
    public override void Validate()
    {
        Code();
        if (Passes < 0) throw new ArgumentException($"Passes of descent are 0 or more, not {Passes}.");
        if (!(Damping >= 0 && double.IsFinite(Damping))) throw new ArgumentException($"Damping is a number from 0 on, not {Damping}.");
    }

    internal TrellisCode Code() => TrellisCode.Of(Bits, StateBits == 0 ? TrellisCode.UsualStateBits(Bits) : StateBits);

    public override long PlannedBits(LayerShape layer) => new TrellisFormat(Bits, Code().StateBits).BitsOf(layer.Rows, layer.Columns);

    public override Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers)
    {
        double weights = layers.Sum(l => (double)l.Rows * l.Columns);
        return Enumerable.Range(3, 6).Reverse().Select(halves => this with { Bits = halves / 2.0, StateBits = Math.Max(StateBits, StateBits == 0 ? 0 : 2 * halves) })
            .FirstOrDefault(m => layers.Sum(m.PlannedBits) / weights / bitsPerWeight is >= 0.9 and <= 1 + Excess);
    }

    // H whole and its root in double, two matrices of feedback in float; rows as target, values, errors and scaled copies.
    internal override long WorkBytes(int rows, int columns) => 24L * columns * columns + 32L * rows * columns;

    public override Linear Compress(LayerProblem problem)
    {
        Validate();
        var dead = DampedGram.DeadColumns(problem);
        var feedback = DampedGram.Factor(problem, Damping, dead, h => BlockFeedback.Of(h, TrellisCode.Width, Passes > 0), DampingOf);
        return TrellisCodes.WithFeedback(Code(), feedback, Passes, Rotation.LiveWeight(problem, dead), problem.Inputs.Gram).ToLinear();
    }
}
