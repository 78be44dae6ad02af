using Quarank.Numerics.Lattice;

namespace Quarank.Compression.Rounding;

/// <summary>Groups of eight columns to points of a lattice.</summary>
/// <param name="nearest">Only the nearest point is offered, not also the best one of the other shift.</param>
internal sealed class LatticeRounder(LatticeBook book, bool nearest) : IBlockRounder
{
    public int Width => E8Codebook.Dimension;
    public int Rows => 1;
    public int Choices => nearest ? 1 : 2;
    public bool Weighs => false;

    public void Round(ReadOnlySpan<float> target, int stride, int count, ReadOnlySpan<float> root, Span<float> values, Span<ulong> codes) =>
        book.Round(target, stride, count, Choices, values, codes);
}
