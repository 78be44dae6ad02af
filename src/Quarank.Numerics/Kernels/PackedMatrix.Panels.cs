using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Kernels;

/// <summary>Rows as floats, and products of many tokens.</summary>
public sealed unsafe partial class PackedMatrix
{
    private const int FewTokens = 4;

    /// <summary>
    /// y = x Wᵀ, a token a row, on the pool. Rows of W are widened to floats, a panel at a time, and multiplied by BLAS; fewer than four tokens
    /// go through <see cref="MultiplyFloat"/>. Either way x is taken as it is: results are those of float arithmetic, the same at any thread
    /// count, and differ from one way to the other by the order of sums only.
    /// </summary>
    /// <param name="x">tokens × columns.</param>
    /// <param name="y">tokens × rows.</param>
    public void Multiply(Matrix<float> x, Matrix<float> y)
    {
        if (x.Columns != _layout.Columns || y.Rows != x.Rows || y.Columns != Rows)
            throw new ArgumentException($"No product of {x.Rows}x{x.Columns} and {Rows}x{_layout.Columns} transposed into {y.Rows}x{y.Columns}.", nameof(y));
        if (x.Rows < FewTokens)
        {
            for (int t = 0; t < x.Rows; t++) MultiplyFloat(x.Row(t), y.Row(t));
            return;
        }
        RowPanels.Multiply(x, y, this, static (matrix, first, count, rows) => matrix.DecodeRows(first, count, rows));
    }

    /// <summary>Rows <paramref name="first"/> … of W as floats; <paramref name="rows"/> holds count × columns values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void DecodeRows(int first, int count, Span<float> rows)
    {
        int columns = _layout.Columns, groups = _layout.Groups;
        byte[] rented = ArrayPool<byte>.Shared.Rent(columns + 8);
        var codes = rented.AsSpan(0, columns);
        for (int i = first; i < first + count; i++)
        {
            var row = rows.Slice((i - first) * columns, columns);
            UnpackRow(i, codes);
            for (int g = 0; g < groups; g++)
            {
                int from = g * _layout.GroupSize, length = Math.Min(_layout.GroupSize, columns - from);
                var (scale, offset) = _columns is null ? OfGroup(i * groups + g) : (1, 0);
                if (_table is null) GridKernels.Dequantize(codes.Slice(from, length), scale, offset, row.Slice(from, length));
                else LookUp(rented.AsSpan(from), _table.Levels, scale, row.Slice(from, length));
            }
            if (_columns is not null) TensorPrimitives.MultiplyAdd(row, _columns.Scales, _columns.Offsets, row);
        }
        ArrayPool<byte>.Shared.Return(rented);
    }

    private (float Scale, float Offset) OfGroup(int g)
    {
        float scale = _halves.Length > 0 ? (float)BitConverter.UInt16BitsToHalf(_halves[g]) : _scales[g];
        if (_table is not null) return (scale, 0);
        return (scale, _offset switch
        {
            PackedOffset.Middle => -scale * (1 << (_layout.Bits - 1)),
            PackedOffset.ZeroPoint => -scale * _zeros[g],
            _ => _offsets[g],
        });
    }

    // scale · level; codes may be read eight beyond the last.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LookUp(ReadOnlySpan<byte> codes, float[] levels, float scale, Span<float> row)
    {
        int j = 0;
        fixed (byte* c = codes)
        fixed (float* w = row)
        {
            if (Vector128.IsHardwareAccelerated)
            {
                var (low, high) = (Vector256.Create<float>(levels), Vector256.Create<float>(levels.AsSpan(8)));
                for (; j + 8 <= row.Length; j += 8) (PackedFloat.LookUp(PackedLanes.Eight(c + j), low, high) * scale).Store(w + j);
            }
            for (; j < row.Length; j++) w[j] = scale * levels[c[j]];
        }
    }
}
