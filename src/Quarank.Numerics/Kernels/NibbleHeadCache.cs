using System.Buffers;
using System.Numerics.Tensors;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// A head's keys and values in 4 bits: of each position, groups of 32 features with a scale and an offset in float16, x ≈ scale · code + offset
/// (5 bits a number where the head size is a multiple of 32). Pages are widened to floats when they are read.
/// </summary>
internal sealed class NibbleHeadCache(int headSize) : HeadCache(headSize)
{
    private const int Group = 32;
    private readonly List<byte[]> _keys = [], _values = [];
    private readonly List<ushort[]> _keyGrids = [], _valueGrids = [];     // scale, offset, scale, …

    private int RowBytes => (HeadSize + 1) / 2;
    private int RowGrids => 2 * ((HeadSize + Group - 1) / Group);

    public override int BytesPerPosition => 2 * RowBytes + 2 * sizeof(ushort) * RowGrids;

    public override void Store(int position, ReadOnlySpan<float> key, ReadOnlySpan<float> value)
    {
        int page = position / Page, at = position % Page;
        Round(key, _keys[page].AsSpan(at * RowBytes, RowBytes), _keyGrids[page].AsSpan(at * RowGrids, RowGrids));
        Round(value, _values[page].AsSpan(at * RowBytes, RowBytes), _valueGrids[page].AsSpan(at * RowGrids, RowGrids));
    }

    public override ReadOnlySpan<float> Keys(int from, int count, Span<float> scratch)
    {
        const int tile = AttentionKernels.Tile;
        int whole = AttentionKernels.WholeTiles(count);
        Span<float> row = stackalloc float[HeadSize];
        for (int j = 0; j < whole; j++)
        {
            Widen(_keys, _keyGrids, from + j, row);
            var keys = scratch[(j / tile * tile * HeadSize + j % tile)..];
            for (int d = 0; d < row.Length; d++) keys[d * tile] = row[d];
        }
        return scratch[..(whole * HeadSize)];
    }

    public override ReadOnlySpan<float> Values(int from, int count, Span<float> scratch)
    {
        for (int j = 0; j < count; j++) Widen(_values, _valueGrids, from + j, scratch.Slice(j * HeadSize, HeadSize));
        return scratch[..(count * HeadSize)];
    }

    public override void Scores(ReadOnlySpan<float> queries, int from, int count, Span<float> scores, int stride)
    {
        float[] rented = ArrayPool<float>.Shared.Rent(Page * HeadSize);
        Thin<float, StoredSingles>(queries, HeadSize, Keys(from, count, rented), count, scores, stride);
        ArrayPool<float>.Shared.Return(rented);
    }

    public override void WeightedValues(Span<float> weights, int stride, int from, int count, Span<float> output)
    {
        float[] rented = ArrayPool<float>.Shared.Rent(Page * HeadSize);
        Weigh<float, StoredSingles>(weights, stride, count, Values(from, count, rented), HeadSize, output);
        ArrayPool<float>.Shared.Return(rented);
    }

    private protected override void ResizeFirst(int positions)
    {
        Resize(_keys, positions * RowBytes);
        Resize(_values, positions * RowBytes);
        Resize(_keyGrids, positions * RowGrids);
        Resize(_valueGrids, positions * RowGrids);
    }

    private protected override void AddPage()
    {
        _keys.Add(new byte[Page * RowBytes]);
        _values.Add(new byte[Page * RowBytes]);
        _keyGrids.Add(new ushort[Page * RowGrids]);
        _valueGrids.Add(new ushort[Page * RowGrids]);
    }

    private protected override void MovePage(int from)
    {
        Move(_keys, from);
        Move(_values, from);
        Move(_keyGrids, from);
        Move(_valueGrids, from);
    }

    private static void Resize<T>(List<T[]> pages, int length)
    {
        if (pages.Count == 0) pages.Add([]);
        var first = pages[0];
        Array.Resize(ref first, length);
        pages[0] = first;
    }

    private static void Round(ReadOnlySpan<float> x, Span<byte> packed, Span<ushort> grids)
    {
        packed.Clear();
        for (int g = 0; g * Group < x.Length; g++)
        {
            var group = x[(g * Group)..Math.Min(x.Length, (g + 1) * Group)];
            float min = Halved(TensorPrimitives.Min(group)), scale = Halved((TensorPrimitives.Max(group) - min) / 15);
            (grids[2 * g], grids[2 * g + 1]) = (BitConverter.HalfToUInt16Bits((Half)scale), BitConverter.HalfToUInt16Bits((Half)min));
            float inverse = scale > 0 ? 1 / scale : 0;
            for (int i = 0; i < group.Length; i++)
            {
                int at = g * Group + i, code = (int)Math.Clamp(MathF.Round((group[i] - min) * inverse), 0, 15);
                packed[at / 2] |= (byte)(code << (at % 2 * 4));
            }
        }
    }

    // What float16 makes of a number: beyond its range the end of it; NaN stays, and so does what is not finite as such.
    private static float Halved(float x) => float.IsFinite(x) ? (float)(Half)Math.Clamp(x, -65504, 65504) : float.NaN;

    private void Widen(List<byte[]> pages, List<ushort[]> grids, int position, Span<float> row)
    {
        var packed = pages[position / Page].AsSpan(position % Page * RowBytes, RowBytes);
        var numbers = grids[position / Page].AsSpan(position % Page * RowGrids, RowGrids);
        for (int first = 0; first < row.Length; first += Group)
        {
            float scale = (float)BitConverter.UInt16BitsToHalf(numbers[first / Group * 2]), offset = (float)BitConverter.UInt16BitsToHalf(numbers[first / Group * 2 + 1]);
            for (int d = first; d < Math.Min(row.Length, first + Group); d++) row[d] = scale * (packed[d / 2] >> (d % 2 * 4) & 15) + offset;
        }
    }
}
