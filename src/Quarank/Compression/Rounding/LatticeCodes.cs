using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Numerics.Lattice;

namespace Quarank.Compression.Rounding;

/// <summary>A matrix on the lattice: codes, one scale, and what they stand for.</summary>
internal sealed class LatticeCodes
{
    private readonly LatticeBook _book;
    private readonly ulong[] _codes;

    private LatticeCodes(LatticeBook book, ulong[] codes, Matrix<float> values, float scale)
    {
        (_book, _codes, Values, Scale) = (book, codes, values, scale);
        TensorPrimitives.Multiply(values.Data, scale, values.Data);
    }

    /// <summary>What the codes stand for, the scale in it.</summary>
    public Matrix<float> Values { get; }
    public float Scale { get; }

    /// <summary>With feedback; the scale, at first the one that suits Gaussian weights, is fitted to what the codes have become.</summary>
    /// <param name="h">The Gram matrix that the loss is measured with.</param>
    public static LatticeCodes WithFeedback(LatticeBook book, BlockRounding rounding, Matrix<float> weight, Matrix<double> h)
    {
        float scale = ScaleOf(weight.Data, book);
        var (codes, values) = rounding.Round(Divided(weight, scale));
        return new(book, codes, values, Fitted(scale, values, weight, h));
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
        return new(_book, codes, values, Fitted(Scale, values, weight, h));
    }

    // min over s of tr((W − s Q) H (W − s Q)ᵀ), with E = W − scale Q: s / scale = 1 + ⟨E, Q⟩ / ⟨Q, Q⟩, and 2 ⟨E, Q⟩ = ⟨W, W⟩ − ⟨E, E⟩ − ⟨Q, Q⟩.
    private static float Fitted(float scale, Matrix<float> values, Matrix<float> weight, Matrix<double> h)
    {
        if (scale == 0) return 0;
        var (q, e) = (values.Clone(), weight.Clone());
        TensorPrimitives.Multiply(q.Data, scale, q.Data);
        TensorPrimitives.Subtract(e.Data, q.Data, e.Data);
        double qq = LinearAlgebra.QuadraticTrace(q, h);
        double eq = (LinearAlgebra.QuadraticTrace(weight, h) - LinearAlgebra.QuadraticTrace(e, h) - qq) / 2;
        double better = scale * (1 + eq / qq);
        return qq > 0 && double.IsFinite(better) ? (float)better : scale;
    }

    /// <summary>Each group to its nearest point.</summary>
    public static LatticeCodes Nearest(LatticeBook book, Matrix<float> weight)
    {
        const int group = E8Codebook.Dimension;
        int groups = LatticeFormat.GroupsOf(weight.Columns);
        float scale = ScaleOf(weight.Data, book);
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

    public LatticeLinear ToLinear() => new(_book, Values.Rows, Values.Columns, Array.ConvertAll(_codes, c => (ushort)c),
        _book.Bits == 2 ? [] : Array.ConvertAll(_codes, c => (ushort)(c >> 16)), Scale);

    private static float ScaleOf(ReadOnlySpan<float> weights, LatticeBook book) =>
        weights.Length == 0 ? 0 : (float)(Math.Sqrt(TensorPrimitives.SumOfSquares(weights) / (double)weights.Length) / book.BestScale);

    private static Matrix<float> Divided(Matrix<float> weight, float scale)
    {
        var divided = weight.Clone();
        TensorPrimitives.Multiply(divided.Data, scale == 0 ? 0 : 1 / scale, divided.Data);
        return divided;
    }
}
