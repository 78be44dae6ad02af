using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics.Lattice;

namespace Quarank.Compression.Methods;

/// <summary>Weights on the E8 lattice, eight at a time with error feedback (QuIP#, Tseng et al. 2024, arXiv:2402.04396, without its fine-tuning).</summary>
/// <param name="Bits">2, 3 or 4.</param>
/// <param name="Passes">Of coordinate descent over the groups, after the feedback pass.</param>
/// <param name="Damping">λ: λ · mean(diag H) is added to the diagonal.</param>
/// <param name="DampingOf">What λ is a part of, if not of the mean.</param>
/// <param name="Nearest">Each group to its nearest point, as the paper has it, also where another point offered, or the one it has, loses less.</param>
public sealed record Lattice(int Bits = 2, int Passes = 10, double Damping = 0.01, DampingOf DampingOf = DampingOf.Mean, bool Nearest = false)
    : BlockCoded(Passes, Damping, DampingOf)
{
    internal override IBlockCode Code() => new LatticeBlocks(LatticeBook.Of(Bits), Nearest);

    internal override bool TakesNearest => Nearest;

    internal override IEnumerable<BlockCoded> Sizes => Enumerable.Range(2, 3).Reverse().Select(bits => this with { Bits = bits });

    public override long PlannedBits(LayerShape layer) => new LatticeFormat(Bits).BitsOf(layer.Rows, layer.Columns);
}
