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
    /// <summary>The inner size.</summary>
    public int Rank => right.Rows;

    /// <summary>Rows × rank.</summary>
    internal Linear Left => left;

    /// <summary>Rank × Columns.</summary>
    internal Linear Right => right;

    public override ProductFormat Format { get; } = left.Columns == right.Rows
        ? new(right.Rows, left.Format, right.Format)
        : throw new ArgumentException($"Factors of {left.Rows}x{left.Columns} and {right.Rows}x{right.Columns} have no product.", nameof(right));

    public override bool RoundsInput => left.RoundsInput || right.RoundsInput;
    public override long Bits => left.Bits + right.Bits;

    public override void Save(StoredTensors tensors)
    {
        left.Save(tensors.Under("L"));
        right.Save(tensors.Under("R"));
    }

    public override void DecodeRows(int first, int count, Span<float> rows)
    {
        var l = new float[count * Rank];
        left.DecodeRows(first, count, l);
        var r = new float[Rank * Columns];
        right.DecodeRows(0, Rank, r);
        LinearAlgebra.Gemm(false, false, count, Columns, Rank, 1, l, Rank, r, Columns, 0, rows, Columns);
    }

    public override Matrix<float> ToDense() => LinearAlgebra.Multiply(left.ToDense(), right.ToDense());

    private protected override void Run(ReadOnlySpan<float> x, Span<float> y, InputNumbers numbers)
    {
        float[] rented = ArrayPool<float>.Shared.Rent(Rank);
        var inner = rented.AsSpan(0, Rank);
        right.Apply(x, inner, numbers);
        left.Apply(inner, y, numbers);
        ArrayPool<float>.Shared.Return(rented);
    }

    private protected override void Run(Matrix<float> x, Matrix<float> y, InputNumbers numbers)
    {
        var inner = new Matrix<float>(x.Rows, Rank);
        right.Apply(x, inner, numbers);
        left.Apply(inner, y, numbers);
    }
}
