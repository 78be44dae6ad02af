using System.Collections.Concurrent;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Numerics.Trellis;

namespace Quarank.Compression.Rounding;

/// <summary>Two columns of 64 rows to the best ring of a trellis code, in the norm of the two columns.</summary>
internal sealed class TrellisBlocks(TrellisCode code) : IBlockCode
{
    private readonly ConcurrentBag<TrellisEncoder> _encoders = [];

    public int Width => TrellisCode.Width;
    public int Rows => TrellisMatrix.PanelRows;
    public int Choices => 1;
    public bool Weighs => true;
    public double Spread => 1 / code.BestScale;

    public void Round(ReadOnlySpan<float> target, int stride, int count, ReadOnlySpan<float> root, Span<float> values, Span<ulong> codes)
    {
        const int length = TrellisCode.Length;
        if (!_encoders.TryTake(out var encoder)) encoder = new(code);
        encoder.Measure(root);
        Span<float> first = stackalloc float[length], second = stackalloc float[length], firstValues = stackalloc float[length], secondValues = stackalloc float[length];
        Span<byte> symbols = stackalloc byte[length];
        for (int r = 0; r < stride; r += length)
        {
            for (int p = 0; p < length; p++) (first[p], second[p]) = (target[r + TrellisMatrix.RowOf(p)], target[stride + r + TrellisMatrix.RowOf(p)]);
            encoder.Encode(first, second, symbols, firstValues, secondValues);
            for (int p = 0; p < length; p++)
            {
                int row = r + TrellisMatrix.RowOf(p);
                (values[row], values[stride + row], codes[row]) = (firstValues[p], secondValues[p], symbols[p]);
            }
        }
        _encoders.Add(encoder);
    }

    public Linear ToLinear(int rows, int columns, ulong[] codes, float scale)
    {
        int panels = TrellisMatrix.PanelsOf(rows), pairs = TrellisMatrix.PairsOf(columns), bytes = TrellisPacking.BytesOf(code.SymbolBits);
        byte[] rings = new byte[panels * pairs * bytes];
        Threads.For(panels, panel =>
        {
            Span<byte> ring = stackalloc byte[TrellisCode.Length];
            for (int pair = 0; pair < pairs; pair++)
            {
                for (int p = 0; p < ring.Length; p++) ring[p] = (byte)codes[(panel * ring.Length + TrellisMatrix.RowOf(p)) * pairs + pair];
                TrellisPacking.Pack(ring, code.SymbolBits, rings.AsSpan((panel * pairs + pair) * bytes, bytes));
            }
        });
        return new TrellisLinear(code, rows, columns, rings, scale);
    }
}
