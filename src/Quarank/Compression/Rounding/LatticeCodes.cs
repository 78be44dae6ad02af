using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Numerics.Lattice;

namespace Quarank.Compression.Rounding;

/// <summary>A matrix on the lattice: codes, one scale, and what they stand for.</summary>
internal sealed class LatticeCodes : BlockCodes
{
    private readonly LatticeBook _book;
    private readonly ulong[] _codes;

    private LatticeCodes(LatticeBook book, ulong[] codes, Matrix<float> values, float scale) : base(values, scale) => (_book, _codes) = (book, codes);

    /// <summary>With feedback; the scale, at first the one that suits Gaussian weights, is fitted to what the codes have become.</summary>
    /// <param name="h">The Gram matrix that the loss is measured with.</param>
    public static LatticeCodes WithFeedback(LatticeBook book, BlockRounding rounding, Matrix<float> weight, Matrix<double> h)
    {
        float scale = ScaleOf(weight.Data, book.BestScale);
        var (codes, values) = rounding.Round(Divided(weight, scale));
        return new(book, codes, values, FittedScale(weight, values, scale, h));
    }

    /// <summary>These codes, of another weight, made better for this one by passes of descent, and the scale fitted anew.</summary>
    public LatticeCodes For(Matrix<float> weight, BlockRounding rounding, Matrix<double> h)
    {
        if (Scale == 0) return WithFeedback(_book, rounding, weight, h);
        const int group = E8Codebook.Dimension;
        int groups = LatticeFormat.GroupsOf(weight.Columns);
        var points = new Matrix<float>(weight.Rows, weight.Columns);
        Threads.For(weight.Rows, i =>
        {
            Span<float> point = stackalloc float[group];
            for (int g = 0; g < groups; g++)
            {
                _book.Decode((uint)_codes[i * groups + g], point);
                point[..Math.Min(group, weight.Columns - g * group)].CopyTo(points.Row(i)[(g * group)..]);
            }
        });
        var (codes, values) = rounding.Round(Divided(weight, Scale), (_codes, points));
        return new(_book, codes, values, FittedScale(weight, values, Scale, h));
    }

    /// <summary>Each group to its nearest point.</summary>
    public static LatticeCodes Nearest(LatticeBook book, Matrix<float> weight)
    {
        const int group = E8Codebook.Dimension;
        int groups = LatticeFormat.GroupsOf(weight.Columns);
        float scale = ScaleOf(weight.Data, book.BestScale);
        var (target, codes, values) = (Divided(weight, scale), new ulong[weight.Rows * groups], new Matrix<float>(weight.Rows, weight.Columns));
        Threads.For(weight.Rows, i =>
        {
            Span<float> x = stackalloc float[group], rounded = stackalloc float[group];
            for (int g = 0; g < groups; g++)
            {
                int width = Math.Min(group, weight.Columns - g * group);
                x.Clear();
                target.Row(i).Slice(g * group, width).CopyTo(x);
                codes[i * groups + g] = book.Round(x, rounded);
                rounded[..width].CopyTo(values.Row(i)[(g * group)..]);
            }
        });
        return new(book, codes, values, scale);
    }

    public override LatticeLinear ToLinear() => new(_book, Values.Rows, Values.Columns, Array.ConvertAll(_codes, c => (ushort)c),
        _book.Bits == 2 ? [] : Array.ConvertAll(_codes, c => (ushort)(c >> 16)), Scale);
}
