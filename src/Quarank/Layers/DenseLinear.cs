using System.Numerics.Tensors;
using Quarank.Checkpoints;
using Quarank.Numerics;

namespace Quarank.Layers;

/// <summary>A weight stored as it is: tensor <c>weight</c>, in the type the checkpoint has.</summary>
public sealed record DenseFormat : LinearFormat
{
    public override Linear Load(StoredTensors tensors, int rows, int columns)
    {
        var tensor = tensors["weight"];
        if (tensor.Shape is not [var r, var c] || r != rows || c != columns)
            throw new InvalidDataException($"{tensor.Name}: expected shape [{rows}, {columns}], found [{string.Join(", ", tensor.Shape)}].");
        return new DenseLinear(tensor.ReadMatrix());
    }
}

/// <summary>A weight kept as it is.</summary>
public sealed class DenseLinear(Matrix<float> weight) : Linear(weight.Rows, weight.Columns)
{
    public override DenseFormat Format => new();
    public override long Bits => 32L * Rows * Columns;
    public override void Save(StoredTensors tensors) { }
    public override void DecodeRows(int first, int count, Span<float> rows) => weight.RowRange(first, count).CopyTo(rows);
    public override void Apply(Matrix<float> x, Matrix<float> y) => LinearAlgebra.MultiplyTransposed(x, weight, y);

    public override void Apply(ReadOnlySpan<float> x, Span<float> y)
    {
        for (int i = 0; i < Rows; i++) y[i] = TensorPrimitives.Dot(weight.Row(i), x);
    }
}
