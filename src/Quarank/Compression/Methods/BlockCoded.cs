using Quarank.Compression.Rounding;
using Quarank.Layers;

namespace Quarank.Compression.Methods;

/// <summary>
/// Weights in a code for blocks of columns, with error feedback and one scale: the base of <see cref="Lattice"/> and <see cref="Trellis"/>, and what
/// <see cref="Caldera"/> takes for its Q. Such codes are for weights that look Gaussian: they belong inside <see cref="Incoherent"/>.
/// </summary>
/// <param name="Passes">Of coordinate descent over the blocks, after the feedback pass.</param>
/// <param name="Damping">λ: λ · mean(diag H) is added to the diagonal.</param>
/// <param name="DampingOf">What λ is a part of, if not of the mean.</param>
public abstract record BlockCoded(int Passes, double Damping, DampingOf DampingOf) : Method
{
    /// <summary>The code; refused if there is none for the bits.</summary>
    internal abstract IBlockCode Code();

    /// <summary>Descent takes a block's nearest code even where another loses less.</summary>
    internal virtual bool TakesNearest => false;

    /// <summary>This method with all bits a weight that it knows, the most first.</summary>
    internal abstract IEnumerable<BlockCoded> Sizes { get; }

    public override void Validate()
    {
        Code();
        if (Passes < 0) throw new ArgumentException($"Passes of descent are 0 or more, not {Passes}.");
        if (!(Damping >= 0 && double.IsFinite(Damping))) throw new ArgumentException($"Damping is a number from 0 on, not {Damping}.");
    }

    public override Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers)
    {
        double weights = layers.Sum(l => (double)l.Rows * l.Columns);
        return Sizes.FirstOrDefault(m => layers.Sum(m.PlannedBits) / weights / bitsPerWeight is >= 0.9 and <= 1 + Excess);
    }

    // H whole and its root in double, two matrices of feedback in float; rows as target, points, values, errors and scaled copies.
    internal override long WorkBytes(int rows, int columns) => 24L * columns * columns + 36L * rows * columns;

    public override Linear Compress(LayerProblem problem)
    {
        Validate();
        var (dead, code) = (DampedGram.DeadColumns(problem), Code());
        var feedback = DampedGram.Factor(problem, Damping, dead, h => BlockFeedback.Of(h, code.Width, Passes > 0), DampingOf);
        return BlockCodes.WithFeedback(code, feedback, Passes, TakesNearest, Rotation.LiveWeight(problem, dead), problem.Inputs.Gram).ToLinear();
    }
}
