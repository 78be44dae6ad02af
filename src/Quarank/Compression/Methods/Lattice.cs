using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics.Lattice;

namespace Quarank.Compression.Methods;

/// <summary>
/// Weights on the E8 lattice, eight at a time with error feedback (QuIP#, Tseng et al. 2024, arXiv:2402.04396, without its fine-tuning). The codebook
/// suits weights that look Gaussian: it belongs inside <see cref="Incoherent"/>.
/// </summary>
/// <param name="Bits">2, 3 or 4.</param>
/// <param name="Passes">Of coordinate descent over the groups, after the feedback pass.</param>
/// <param name="Damping">λ: λ · mean(diag H) is added to the diagonal.</param>
/// <param name="DampingOf">What λ is a part of, if not of the mean.</param>
/// <param name="Nearest">Each group to its nearest point, as the paper has it, also where another point offered, or the one it has, loses less.</param>
public sealed record Lattice(int Bits = 2, int Passes = 10, double Damping = 0.01, DampingOf DampingOf = DampingOf.Mean, bool Nearest = false) : Method
{
    public override void Validate()
    {
        LatticeBook.Of(Bits);
        if (Passes < 0) throw new ArgumentException($"Passes of descent are 0 or more, not {Passes}.");
        if (!(Damping >= 0 && double.IsFinite(Damping))) throw new ArgumentException($"Damping is a number from 0 on, not {Damping}.");
    }

    public override long PlannedBits(LayerShape layer) => new LatticeFormat(Bits).BitsOf(layer.Rows, layer.Columns);

    public override Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers)
    {
        double weights = layers.Sum(l => (double)l.Rows * l.Columns);
        return Enumerable.Range(2, 3).Reverse().Select(bits => this with { Bits = bits })
            .FirstOrDefault(m => layers.Sum(m.PlannedBits) / weights / bitsPerWeight is >= 0.9 and <= 1 + Excess);
    }

    // H whole and its root in double, two matrices of feedback in float; rows as target, values, errors and scaled copies.
    internal override long WorkBytes(int rows, int columns) => 24L * columns * columns + 32L * rows * columns;

    public override Linear Compress(LayerProblem problem)
    {
        Validate();
        var dead = DampedGram.DeadColumns(problem);
        var feedback = DampedGram.Factor(problem, Damping, dead, h => BlockFeedback.Of(h, E8Codebook.Dimension, Passes > 0), DampingOf);
        var book = LatticeBook.Of(Bits);
        return LatticeCodes.WithFeedback(book, new(new LatticeRounder(book, Nearest), feedback, Passes, Nearest), Rotation.LiveWeight(problem, dead), problem.Inputs.Gram).ToLinear();
    }
}
