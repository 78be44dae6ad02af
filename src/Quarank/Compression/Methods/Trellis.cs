using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics.Trellis;

namespace Quarank.Compression.Methods;

/// <summary>
/// Weights in a trellis code, two columns at a time with error feedback (in the spirit of QTIP, Tseng et al. 2024, arXiv:2406.11235, without its
/// fine-tuning; the code is our own).
/// </summary>
/// <param name="Bits">Of a weight: 1.5 to 4 in halves.</param>
/// <param name="StateBits">Bits of the code's states, at most 16 and at least four times <paramref name="Bits"/>; each more takes twice the time. 0: 14, or 16 above 3 bits.</param>
/// <param name="Passes">Of coordinate descent over the pairs of columns, after the feedback pass; each takes as long as that one.</param>
/// <param name="Damping">λ: λ · mean(diag H) is added to the diagonal.</param>
/// <param name="DampingOf">What λ is a part of, if not of the mean.</param>
public sealed record Trellis(double Bits = 2, int StateBits = 0, int Passes = 0, double Damping = 0.01, DampingOf DampingOf = DampingOf.Mean)
    : BlockCoded(Passes, Damping, DampingOf)
{
    private TrellisCode Used => TrellisCode.Of(Bits, StateBits == 0 ? TrellisCode.UsualStateBits(Bits) : StateBits);

    /// <summary>What it is stored as.</summary>
    internal TrellisFormat Format => new(Bits, Used.StateBits);

    internal override IBlockCode Code() => new TrellisBlocks(Used);

    internal override IEnumerable<BlockCoded> Sizes =>
        Enumerable.Range(3, 6).Reverse().Select(halves => this with { Bits = halves / 2.0, StateBits = Math.Max(StateBits, StateBits == 0 ? 0 : 2 * halves) });

    public override long PlannedBits(LayerShape layer) => Format.BitsOf(layer.Rows, layer.Columns);
}
