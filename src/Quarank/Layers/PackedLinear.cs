using Quarank.Numerics;
using Quarank.Numerics.Kernels;

namespace Quarank.Layers;

/// <summary>What layers of packed codes share: products by the packed kernels where these know the form, else by the form's own loop over rows.</summary>
public abstract class PackedLinear : Linear
{
    private const int RowChunk = 64;

    private protected PackedLinear(int rows, int columns) : base(rows, columns) { }

    /// <summary>A view of the layer's own codes; null where no kernel knows the form.</summary>
    private protected PackedMatrix? Packed { get; init; }

    /// <summary>Some rows times one token in floats, without a packed kernel.</summary>
    private protected RowParallel.Kernel Kernel { get; init; } = null!;

    /// <summary>Two or three layers of one token, in one round of work with the input made ready once, where their forms allow; the same bits as one by one.</summary>
    /// <param name="third">Null: two layers.</param>
    /// <returns>False where they do not allow: nothing was done.</returns>
    internal static bool TryApplyTogether(
        Linear first, Linear second, Linear? third, ReadOnlySpan<float> x, Span<float> y1, Span<float> y2, Span<float> y3, InputNumbers numbers)
    {
        if (first is not PackedLinear { Packed: { } a } || second is not PackedLinear { Packed: { } b } || !a.SharesInput(b)) return false;
        PackedMatrix? c = null;
        if (third is not null)
        {
            if (third is not PackedLinear { Packed: { } packed } || !a.SharesInput(packed)) return false;
            c = packed;
        }
        PackedMatrix.MultiplyTogether(a, b, c, x, y1, y2, y3, numbers == InputNumbers.Bytes);
        return true;
    }

    public override void Apply(ReadOnlySpan<float> x, Span<float> y)
    {
        if (Packed is null) RowParallel.Run(RowChunk, x, y, Kernel);
        else Packed.MultiplyFloat(x, y);
    }

    public override void Apply(Matrix<float> x, Matrix<float> y)
    {
        if (Packed is null) base.Apply(x, y);
        else Packed.Multiply(x, y);
    }

    /// <summary>As the base says; the levels of a codebook are rounded too then, to 1/4,094 of the largest.</summary>
    public override void ApplyRounded(ReadOnlySpan<float> x, Span<float> y)
    {
        if (Packed is null) Apply(x, y);
        else Packed.Multiply(x, y);
    }

    /// <summary>As the base says, with a codebook's levels as they are: for one token only they are rounded, to less than a thirtieth of a step of the input.</summary>
    public override void ApplyRounded(Matrix<float> x, Matrix<float> y)
    {
        if (Packed is null)
        {
            Apply(x, y);
            return;
        }
        var rounded = new Matrix<float>(x.Rows, x.Columns);
        Threads.For(x.Rows, t => Packed.Round(x.Row(t), rounded.Row(t)));
        Apply(rounded, y);
    }
}
