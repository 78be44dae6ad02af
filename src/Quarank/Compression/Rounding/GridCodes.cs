using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Rounding;

/// <summary>The codes and grids of a matrix while a method finds them; <see cref="ToLinear"/> packs them.</summary>
internal sealed class GridCodes(GridFormat format, int rows, int columns)
{
    private readonly byte[] _codes = new byte[checked(rows * columns)];
    private readonly float[] _scales = new float[format.ScaleCount(rows, columns)];
    private readonly byte[] _zeros = new byte[format.Offset == GridOffset.ZeroPoint ? format.ScaleCount(rows, columns) : 0];
    private readonly float[] _offsets = new float[format.Offset == GridOffset.Number ? format.ScaleCount(rows, columns) : 0];

    /// <summary>The codes of row i, one a byte.</summary>
    public Span<byte> Row(int i) => _codes.AsSpan(i * columns, columns);

    /// <summary>Keeps grid number <paramref name="k"/>, counted row by row.</summary>
    public void SetGrid(int k, ScalarGrid grid)
    {
        _scales[k] = (float)grid.Scale;
        if (format.Offset == GridOffset.ZeroPoint) _zeros[k] = (byte)grid.Zero;
        else if (format.Offset == GridOffset.Number) _offsets[k] = (float)grid.Offset;
    }

    public GridLinear ToLinear()
    {
        int bytes = BitPacking.ByteCount(columns, format.Bits);
        var packed = new byte[checked(rows * bytes)];
        for (int i = 0; i < rows; i++) BitPacking.Pack(Row(i), format.Bits, packed.AsSpan(i * bytes, bytes));
        return new GridLinear(format, rows, columns, packed, _scales, _zeros, _offsets);
    }
}
