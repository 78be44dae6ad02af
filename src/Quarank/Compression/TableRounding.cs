using System.Buffers;
using System.Numerics.Tensors;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression;

/// <summary>
/// Rounds a vocabulary × width table (embedding, head) to nearest, row by row: its rows are read one at a time, and a head's Gram matrix would
/// cost another pass over the calibration text for a layer that 8 bits leave as good as it was.
/// </summary>
public static class TableRounding
{
    private const int Chunk = 64;

    /// <summary>The bits a table may have; 16 leaves it as it is stored.</summary>
    public static IReadOnlyList<int> Known { get; } = [16, 8, 4];

    /// <summary>How a table of these bits is stored: 8 bits with a scale for each row, 4 bits with one for every 32 columns.</summary>
    public static GridFormat FormatOf(int bits) => bits switch
    {
        8 => new(8),
        4 => new(4, GroupSize: 32),
        _ => throw new ArgumentOutOfRangeException(nameof(bits), bits, "A rounded table has 8 or 4 bits."),
    };

    /// <param name="table">Any form; its rows are decoded in pieces, so that its floats are never all in memory.</param>
    public static GridLinear Round(Linear table, int bits)
    {
        ArgumentNullException.ThrowIfNull(table);
        var format = FormatOf(bits);
        int rows = table.Rows, columns = table.Columns, groups = format.GroupsOf(columns);
        int size = format.GroupSize == 0 ? columns : format.GroupSize, bytes = BitPacking.ByteCount(columns, bits);
        var (packed, scales, zeros) = (new byte[checked(rows * bytes)], new float[checked(rows * groups)], new byte[rows * groups]);
        Threads.For((rows + Chunk - 1) / Chunk, c =>
        {
            int first = c * Chunk, count = Math.Min(Chunk, rows - first);
            float[] rented = ArrayPool<float>.Shared.Rent(count * columns);
            var singles = rented.AsSpan(0, count * columns);
            table.DecodeRows(first, count, singles);
            var (row, codes) = (new double[columns], new byte[columns]);
            for (int i = 0; i < count; i++)
            {
                TensorPrimitives.ConvertChecked<float, double>(singles.Slice(i * columns, columns), row);
                for (int g = 0; g < groups; g++)
                {
                    int start = g * size, end = Math.Min(start + size, columns), k = (first + i) * groups + g;
                    var grid = ScalarGrid.Fit(format, GridRange.MinMax, row.AsSpan(start..end));
                    (scales[k], zeros[k]) = ((float)grid.Scale, (byte)grid.Zero);
                    for (int j = start; j < end; j++) codes[j] = (byte)grid.Code(row[j]);
                }
                BitPacking.Pack(codes, bits, packed.AsSpan((first + i) * bytes, bytes));
            }
            ArrayPool<float>.Shared.Return(rented);
        });
        return new(format, rows, columns, packed, scales, zeros, []);
    }

    /// <summary>‖W − Ŵ‖² / ‖W‖², summed row by row.</summary>
    public static double RelativeError(Linear table, Linear rounded)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(rounded);
        int columns = table.Columns, chunks = (table.Rows + Chunk - 1) / Chunk;
        var (errors, norms) = (new double[chunks], new double[chunks]);
        Threads.For(chunks, c =>
        {
            int first = c * Chunk, count = Math.Min(Chunk, table.Rows - first);
            var (was, now) = (new float[count * columns], new float[count * columns]);
            table.DecodeRows(first, count, was);
            rounded.DecodeRows(first, count, now);
            for (int i = 0; i < was.Length; i++)
            {
                double d = (double)was[i] - now[i];
                errors[c] += d * d;
                norms[c] += (double)was[i] * was[i];
            }
        });
        return norms.Sum() is > 0 and var norm ? errors.Sum() / norm : 0;
    }
}
