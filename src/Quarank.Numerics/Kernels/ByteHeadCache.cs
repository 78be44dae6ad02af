using System.Numerics.Tensors;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// A head's keys and values as signed bytes, a scale for each position's key and one for its value: the largest of them, divided by 127.
/// Scores are multiplied by the keys' scales once they are sums, weights by the values' scales before.
/// </summary>
internal sealed class ByteHeadCache(int headSize) : HeadCache(headSize)
{
    private readonly List<sbyte[]> _keys = [], _values = [];
    private readonly List<float[]> _keyScales = [], _valueScales = [];

    public override int BytesPerPosition => 2 * HeadSize + 2 * sizeof(float);

    public override void Store(int position, ReadOnlySpan<float> key, ReadOnlySpan<float> value)
    {
        int page = position / Page, at = position % Page;
        _valueScales[page][at] = Round(value, _values[page].AsSpan(at * HeadSize, HeadSize));
        Span<sbyte> bytes = stackalloc sbyte[HeadSize];
        _keyScales[page][at] = Round(key, bytes);
        var keys = _keys[page].AsSpan(KeyAt(position));
        for (int d = 0; d < bytes.Length; d++) keys[d * AttentionKernels.Tile] = bytes[d];
    }

    public override ReadOnlySpan<float> Keys(int from, int count, Span<float> scratch)
    {
        const int tile = AttentionKernels.Tile;
        int page = from / Page, whole = AttentionKernels.WholeTiles(count);
        var keys = scratch[..(whole * HeadSize)];
        Widen(_keys[page].AsSpan(from % Page * HeadSize, keys.Length), keys);
        for (int row = 0; row < keys.Length / tile; row++)
        {
            var part = keys.Slice(row * tile, tile);
            TensorPrimitives.Multiply(part, _keyScales[page].AsSpan(from % Page + row / HeadSize * tile, tile), part);
        }
        return keys;
    }

    public override ReadOnlySpan<float> Values(int from, int count, Span<float> scratch)
    {
        var values = scratch[..(count * HeadSize)];
        Widen(_values[from / Page].AsSpan(from % Page * HeadSize, values.Length), values);
        for (int j = 0; j < count; j++)
        {
            var row = values.Slice(j * HeadSize, HeadSize);
            TensorPrimitives.Multiply(row, _valueScales[from / Page][from % Page + j], row);
        }
        return values;
    }

    public override void Scores(ReadOnlySpan<float> queries, int from, int count, Span<float> scores, int stride)
    {
        Thin<sbyte, StoredBytes>(queries, HeadSize, _keys[from / Page].AsSpan(from % Page * HeadSize), count, scores, stride);
        var scales = _keyScales[from / Page].AsSpan(from % Page, count);
        for (int r = 0; r < queries.Length / HeadSize; r++) TensorPrimitives.Multiply(scores.Slice(r * stride, count), scales, scores.Slice(r * stride, count));
    }

    public override void WeightedValues(Span<float> weights, int stride, int from, int count, Span<float> output)
    {
        var scales = _valueScales[from / Page].AsSpan(from % Page, count);
        for (int r = 0; r < output.Length / HeadSize; r++) TensorPrimitives.Multiply(weights.Slice(r * stride, count), scales, weights.Slice(r * stride, count));
        Weigh<sbyte, StoredBytes>(weights, stride, count, _values[from / Page].AsSpan(from % Page * HeadSize), HeadSize, output);
    }

    private protected override void ResizeFirst(int positions)
    {
        Resize(_keys, positions * HeadSize);
        Resize(_values, positions * HeadSize);
        Resize(_keyScales, positions);
        Resize(_valueScales, positions);
    }

    private protected override void AddPage()
    {
        _keys.Add(new sbyte[Page * HeadSize]);
        _values.Add(new sbyte[Page * HeadSize]);
        _keyScales.Add(new float[Page]);
        _valueScales.Add(new float[Page]);
    }

    private protected override void MovePage(int from)
    {
        Move(_keys, from);
        Move(_values, from);
        Move(_keyScales, from);
        Move(_valueScales, from);
    }

    private static void Resize<T>(List<T[]> pages, int length)
    {
        if (pages.Count == 0) pages.Add([]);
        var first = pages[0];
        Array.Resize(ref first, length);
        pages[0] = first;
    }

    private static float Round(ReadOnlySpan<float> x, Span<sbyte> bytes)
    {
        float most = Math.Abs(TensorPrimitives.MaxMagnitude(x)), inverse = 127 / most;
        if (!float.IsFinite(inverse))
        {
            // All zeros, or next to it; or numbers that are none, which must not come out as numbers.
            bytes.Clear();
            return float.IsFinite(most) ? 0 : float.NaN;
        }
        Span<float> steps = stackalloc float[x.Length];
        TensorPrimitives.Multiply(x, inverse, steps);
        TensorPrimitives.Round(steps, steps);
        for (int i = 0; i < x.Length; i++) bytes[i] = (sbyte)steps[i];
        return most / 127;
    }

    private static void Widen(ReadOnlySpan<sbyte> bytes, Span<float> values)
    {
        for (int i = 0; i < bytes.Length; i++) values[i] = bytes[i];
    }
}
