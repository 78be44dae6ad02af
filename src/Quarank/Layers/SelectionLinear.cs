using System.Buffers;
using Quarank.Checkpoints;
using Quarank.Numerics;

namespace Quarank.Layers;

/// <summary>W is zero but for <paramref name="Count"/> columns: their places under <c>indices</c>, rising, and they themselves, rows × count,
/// in a form of their own under <c>columns</c>.</summary>
public sealed record SelectionFormat(int Count, LinearFormat Selected) : LinearFormat
{
    public override Linear Load(StoredTensors tensors, int rows, int columns)
    {
        var indices = tensors["indices"].ReadArray<int>();
        if (indices.Length != Count)
            throw new InvalidDataException($"{tensors["indices"].Description}: expected {Count} indices, found {indices.Length}.");
        int last = -1;
        foreach (int i in indices)
        {
            if (i <= last || i >= columns)
                throw new InvalidDataException(
                    $"{tensors["indices"].Description}: {i} after {last} is no column of {columns}, or not in rising order.");
            last = i;
        }
        return new SelectionLinear(indices, Selected.Load(tensors.Under("columns"), rows, Count), columns);
    }

    public override string? WithoutKernel(int rows, int columns) => Selected.WithoutKernel(rows, Count);
}

/// <summary>Some columns of a weight, the others being zero: the part of a sum that keeps chosen inputs exact.</summary>
/// <param name="indices">Which columns, rising.</param>
/// <param name="selected">Rows × indices.</param>
/// <param name="columns">How many columns there are in all.</param>
public sealed class SelectionLinear(int[] indices, Linear selected, int columns) : NestedLinear(selected.Rows, columns)
{
    public override SelectionFormat Format { get; } = indices.Length == selected.Columns
        ? new(indices.Length, selected.Format)
        : throw new ArgumentException($"{indices.Length} indices do not fit {selected.Columns} columns.", nameof(indices));

    internal int[] Indices => indices;

    internal Linear Selected => selected;

    public override bool RoundsInput => selected.RoundsInput;
    public override long Bits => 32L * indices.Length + selected.Bits;

    public override void Save(StoredTensors tensors)
    {
        tensors.Add("indices", StoredTensor.FromValues("indices", indices, indices.Length));
        selected.Save(tensors.Under("columns"));
    }

    public override void DecodeRows(int first, int count, Span<float> rows)
    {
        var picked = new float[count * indices.Length];
        selected.DecodeRows(first, count, picked);
        rows.Clear();
        for (int i = 0; i < count; i++)
            for (int k = 0; k < indices.Length; k++) rows[i * Columns + indices[k]] = picked[i * indices.Length + k];
    }

    private protected override void Run(ReadOnlySpan<float> x, Span<float> y, InputNumbers numbers)
    {
        float[] rented = ArrayPool<float>.Shared.Rent(indices.Length);
        for (int k = 0; k < indices.Length; k++) rented[k] = x[indices[k]];
        selected.Apply(rented.AsSpan(0, indices.Length), y, numbers);
        ArrayPool<float>.Shared.Return(rented);
    }

    private protected override void Run(Matrix<float> x, Matrix<float> y, InputNumbers numbers)
    {
        var picked = new Matrix<float>(x.Rows, indices.Length);
        for (int t = 0; t < x.Rows; t++)
            for (int k = 0; k < indices.Length; k++) picked[t, k] = x[t, indices[k]];
        selected.Apply(picked, y, numbers);
    }
}
