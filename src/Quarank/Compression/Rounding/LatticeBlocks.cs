using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Numerics.Lattice;

namespace Quarank.Compression.Rounding;

/// <summary>Groups of eight columns to points of a lattice.</summary>
/// <param name="nearest">Only the nearest point is offered, not also the best one of the other shift.</param>
internal sealed class LatticeBlocks(LatticeBook book, bool nearest = false) : IBlockCode
{
    public int Width => E8Codebook.Dimension;
    public int Rows => 1;
    public int Choices => nearest ? 1 : 2;
    public bool Weighs => false;
    public double Spread => book.BestScale;

    public void Round(ReadOnlySpan<float> target, int stride, int count, ReadOnlySpan<float> root, Span<float> values, Span<ulong> codes) =>
        book.Round(target, stride, count, Choices, values, codes);

    public Linear ToLinear(int rows, int columns, ulong[] codes, float scale) => new LatticeLinear(book, rows, columns, Array.ConvertAll(codes, c => (ushort)c),
        book.Bits == 2 ? [] : Array.ConvertAll(codes, c => (ushort)(c >> 16)), scale);

    /// <summary>Each group to its nearest point, without feedback.</summary>
    public BlockCodes Nearest(Matrix<float> weight)
    {
        const int group = E8Codebook.Dimension;
        int groups = LatticeFormat.GroupsOf(weight.Columns);
        float scale = BlockCodes.ScaleOf(this, weight);
        var (target, codes, points) = (BlockCodes.Target(this, weight, scale), new ulong[weight.Rows * groups], new Matrix<float>(weight.Rows, weight.Columns));
        Threads.For(weight.Rows, i =>
        {
            Span<float> x = stackalloc float[group], rounded = stackalloc float[group];
            for (int g = 0; g < groups; g++)
            {
                int width = Math.Min(group, weight.Columns - g * group);
                x.Clear();
                target.Row(i).Slice(g * group, width).CopyTo(x);
                codes[i * groups + g] = book.Round(x, rounded);
                rounded[..width].CopyTo(points.Row(i)[(g * group)..]);
            }
        });
        return new(this, codes, points, weight.Rows, scale);
    }
}
