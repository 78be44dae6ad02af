using System.Numerics;
using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Learning.Tuning;

/// <summary>Weights as units that codes stand for, in groups of rows or of columns as a <see cref="GridFormat"/> lays them out: w = number of the group · unit.</summary>
internal sealed class TunedUnits<T>(GridFormat layout, Matrix<T> units) where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int Piece = 16, Strip = 256;

    private readonly int _groups = layout.GroupsOf(units.Columns), _size = layout.GroupSize == 0 ? units.Columns : layout.GroupSize;

    public Matrix<T> Units => units;

    /// <summary>w = number · unit, plus an offset of the group where there are any.</summary>
    public void Widen(T[] numbers, T[]? offsets, Matrix<T> weight) => Threads.For((units.Rows + Piece - 1) / Piece, p =>
    {
        for (int i = p * Piece; i < Math.Min(units.Rows, (p + 1) * Piece); i++)
        {
            ReadOnlySpan<T> unit = units.Row(i);
            var row = weight.Row(i);
            if (layout.Axis == GridAxis.Columns)
            {
                TensorPrimitives.Multiply(unit, OfRow(numbers, i), row);
                if (offsets is not null) TensorPrimitives.Add(row, OfRow(offsets, i), row);
                continue;
            }
            for (int g = 0; g < _groups; g++)
            {
                int start = g * _size, length = Math.Min(_size, units.Columns - start);
                var part = row.Slice(start, length);
                TensorPrimitives.Multiply(unit.Slice(start, length), numbers[i * _groups + g], part);
                if (offsets is not null) TensorPrimitives.Add(part, offsets[i * _groups + g], part);
            }
        }
    });

    /// <summary>∂number = Σ over its group of ∂w · unit.</summary>
    public void Adjoint(Matrix<T> gradient, T[] numbers) => Sum(gradient, units, numbers);

    /// <summary>∂offset = Σ over its group of ∂w.</summary>
    public void AdjointOfOffsets(Matrix<T> gradient, T[] offsets) => Sum(gradient, null, offsets);

    /// <summary>The number of each weight's group.</summary>
    public T NumberOf(T[] numbers, int row, int column) =>
        layout.Axis == GridAxis.Columns ? numbers[layout.RowGroup(row) * units.Columns + column] : numbers[row * _groups + column / _size];

    private void Sum(Matrix<T> gradient, Matrix<T>? factors, T[] sums)
    {
        if (layout.Axis == GridAxis.Columns) SumColumns(gradient, factors, sums);
        else Threads.For((units.Rows + Piece - 1) / Piece, p =>
        {
            for (int i = p * Piece; i < Math.Min(units.Rows, (p + 1) * Piece); i++)
                for (int g = 0; g < _groups; g++)
                {
                    int start = g * _size, length = Math.Min(_size, units.Columns - start);
                    ReadOnlySpan<T> d = gradient.Row(i).Slice(start, length);
                    sums[i * _groups + g] = factors is null ? TensorPrimitives.Sum(d) : TensorPrimitives.Dot(d, factors.Row(i).Slice(start, length));
                }
        });
    }

    // Columns are shared out, and rows follow one another, so that sums do not depend on threads.
    private void SumColumns(Matrix<T> gradient, Matrix<T>? factors, T[] sums)
    {
        Array.Clear(sums);
        Threads.For((units.Columns + Strip - 1) / Strip, s =>
        {
            int first = s * Strip, length = Math.Min(Strip, units.Columns - first);
            for (int i = 0; i < units.Rows; i++)
            {
                var sum = sums.AsSpan(layout.RowGroup(i) * units.Columns + first, length);
                ReadOnlySpan<T> d = gradient.Row(i).Slice(first, length);
                if (factors is null) TensorPrimitives.Add(sum, d, sum);
                else TensorPrimitives.MultiplyAdd(d, factors.Row(i).Slice(first, length), sum, sum);
            }
        });
    }

    private ReadOnlySpan<T> OfRow(T[] numbers, int i) => numbers.AsSpan(layout.RowGroup(i) * units.Columns, units.Columns);
}
