using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Rounding;

/// <summary>One factor of a product while it is quantized vector by vector: rank vectors, each with a min–max grid of its own, or half floats.</summary>
internal sealed class FactorCodes(int bits, GridFormat grid, int rank, int length)
{
    private readonly bool _half = bits == 16;
    private readonly byte[] _codes = new byte[bits == 16 ? 0 : checked(rank * length)];
    private readonly ushort[] _halves = new ushort[bits == 16 ? checked(rank * length) : 0];
    private readonly ScalarGrid[] _grids = new ScalarGrid[rank];

    /// <summary>Keeps vector k and gives back what is kept.</summary>
    public void Quantize(int k, ReadOnlySpan<double> vector, Span<double> quantized)
    {
        int start = k * length;
        if (!_half) _grids[k] = ScalarGrid.FitMinMax(grid, vector);
        for (int j = 0; j < length; j++)
        {
            if (_half)
            {
                var value = (Half)vector[j];
                (_halves[start + j], quantized[j]) = (BitConverter.HalfToUInt16Bits(value), (double)value);
                continue;
            }
            int code = _grids[k].Code(vector[j]);
            (_codes[start + j], quantized[j]) = ((byte)code, _grids[k].Value(code));
        }
    }

    /// <summary>rank × length: the vectors are rows.</summary>
    public Linear ToRows() => _half ? DenseLinear.OfHalves(rank, length, _halves) : Codes(rank, length, (i, j) => i * length + j);

    /// <summary>length × rank: the vectors are columns.</summary>
    public Linear ToColumns()
    {
        if (!_half) return Codes(length, rank, (i, j) => j * length + i);
        var turned = new ushort[_halves.Length];
        for (int i = 0; i < length; i++)
            for (int k = 0; k < rank; k++) turned[i * rank + k] = _halves[k * length + i];
        return DenseLinear.OfHalves(length, rank, turned);
    }

    private GridLinear Codes(int rows, int columns, Func<int, int, int> at)
    {
        var codes = new GridCodes(grid, rows, columns);
        for (int k = 0; k < rank; k++) codes.SetGrid(k, _grids[k]);
        for (int i = 0; i < rows; i++)
        {
            var row = codes.Row(i);
            for (int j = 0; j < columns; j++) row[j] = _codes[at(i, j)];
        }
        return codes.ToLinear();
    }
}
