using System.Buffers;
using Quarank.Checkpoints;
using Quarank.Numerics;

namespace Quarank.Layers;

/// <summary>W = L R: two factors of inner size <paramref name="Rank"/>, each in a form of its own, under <c>L</c> and <c>R</c>.</summary>
public sealed record ProductFormat(int Rank, LinearFormat Left, LinearFormat Right) : LinearFormat
{
    public override Linear Load(StoredTensors tensors, int rows, int columns) =>
        new ProductLinear(Left.Load(tensors.Under("L"), rows, Rank), Right.Load(tensors.Under("R"), Rank, columns));

    public override string? WithoutKernel(int rows, int columns) => Left.WithoutKernel(rows, Rank) ?? Right.WithoutKernel(Rank, columns);
}

/// <summary>W = L R, either factor in any form; LoRDQ's K blocks P⁽¹⁾Q⁽¹⁾ + … are one such product, L = [P⁽¹⁾ P⁽²⁾ …].</summary>
/// <param name="left">Rows × rank.</param>
/// <param name="right">Rank × Columns.</param>
public sealed class ProductLinear(Linear left, Linear right) : NestedLinear(left.Rows, right.Columns)
{
    private readonly Linear _left = left, _right = right;

    /// <summary>The inner size.</summary>
    public int Rank => _right.Rows;

    /// <summary>Rows × rank.</summary>
    internal Linear Left => _left;

    /// <summary>Rank × Columns.</summary>
    internal Linear Right => _right;

    public override ProductFormat Format { get; } = left.Columns == right.Rows
        ? new(right.Rows, left.Format, right.Format)
        : throw new ArgumentException($"Factors of {left.Rows}x{left.Columns} and {right.Rows}x{right.Columns} have no product.", nameof(right));

    public override bool RoundsInput => _left.RoundsInput || _right.RoundsInput;
    public override long Bits => _left.Bits + _right.Bits;

    public override void Save(StoredTensors tensors)
    {
        _left.Save(tensors.Under("L"));
        _right.Save(tensors.Under("R"));
    }

    public override void DecodeRows(int first, int count, Span<float> rows)
    {
        var l = new float[count * Rank];
        _left.DecodeRows(first, count, l);
        var r = new float[Rank * Columns];
        _right.DecodeRows(0, Rank, r);
        LinearAlgebra.Gemm(false, false, count, Columns, Rank, 1, l, Rank, r, Columns, 0, rows, Columns);
    }

    public override Matrix<float> ToDense() => LinearAlgebra.Multiply(_left.ToDense(), _right.ToDense());

    /// <summary>As <see cref="PackedLinear.TryApplyTogether"/>: of products whose right factors take their input in one form, these together.</summary>
    internal static bool TryApplyTogether(
        Linear first, Linear second, Linear? third, ReadOnlySpan<float> x, Span<float> y1, Span<float> y2, Span<float> y3, InputNumbers numbers)
    {
        if (first is not ProductLinear a || second is not ProductLinear b || third is not (null or ProductLinear)) return false;
        var c = (ProductLinear?)third;
        int two = a.Rank + b.Rank, all = two + (c?.Rank ?? 0);
        float[] rented = ArrayPool<float>.Shared.Rent(all);
        Span<float> i1 = rented.AsSpan(0, a.Rank), i2 = rented.AsSpan(a.Rank, b.Rank), i3 = rented.AsSpan(two, all - two);
        bool together = PackedLinear.TryApplyTogether(a._right, b._right, c?._right, x, i1, i2, i3, numbers);
        if (together)
        {
            a._left.Apply(i1, y1, numbers);
            b._left.Apply(i2, y2, numbers);
            c?._left.Apply(i3, y3, numbers);
        }
        ArrayPool<float>.Shared.Return(rented);
        return together;
    }

    private protected override void Run(ReadOnlySpan<float> x, Span<float> y, InputNumbers numbers)
    {
        float[] rented = ArrayPool<float>.Shared.Rent(Rank);
        var inner = rented.AsSpan(0, Rank);
        _right.Apply(x, inner, numbers);
        _left.Apply(inner, y, numbers);
        ArrayPool<float>.Shared.Return(rented);
    }

    private protected override void Run(Matrix<float> x, Matrix<float> y, InputNumbers numbers)
    {
        var inner = new Matrix<float>(x.Rows, Rank);
        _right.Apply(x, inner, numbers);
        _left.Apply(inner, y, numbers);
    }
}
