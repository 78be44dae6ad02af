namespace Quarank.Numerics.Kernels;

/// <summary>A head's keys and values as numbers that need nothing beside them.</summary>
internal abstract class PagedHeadCache<T, TNumbers>(int headSize) : HeadCache(headSize) where T : unmanaged where TNumbers : struct, IStoredNumbers<T>
{
    private readonly List<T[]> _keys = [], _values = [];

    public override unsafe int BytesPerPosition => 2 * sizeof(T) * HeadSize;

    public override void Store(int position, ReadOnlySpan<float> key, ReadOnlySpan<float> value)
    {
        Narrow(value, _values[position / Page].AsSpan(position % Page * HeadSize, HeadSize));
        Span<T> narrow = stackalloc T[HeadSize];
        Narrow(key, narrow);
        var keys = _keys[position / Page].AsSpan(KeyAt(position));
        for (int d = 0; d < narrow.Length; d++) keys[d * AttentionKernels.Tile] = narrow[d];
    }

    public override ReadOnlySpan<float> Keys(int from, int count, Span<float> scratch) =>
        Widen(_keys[from / Page].AsSpan(from % Page * HeadSize, AttentionKernels.WholeTiles(count) * HeadSize), scratch);

    public override ReadOnlySpan<float> Values(int from, int count, Span<float> scratch) =>
        Widen(_values[from / Page].AsSpan(from % Page * HeadSize, count * HeadSize), scratch);

    public override void Scores(ReadOnlySpan<float> queries, int from, int count, Span<float> scores, int stride) =>
        Thin<T, TNumbers>(queries, HeadSize, _keys[from / Page].AsSpan(from % Page * HeadSize), count, scores, stride);

    public override void WeightedValues(Span<float> weights, int stride, int from, int count, Span<float> output) =>
        Weigh<T, TNumbers>(weights, stride, count, _values[from / Page].AsSpan(from % Page * HeadSize), HeadSize, output);

    private protected abstract void Narrow(ReadOnlySpan<float> numbers, Span<T> narrow);

    private protected abstract ReadOnlySpan<float> Widen(ReadOnlySpan<T> narrow, Span<float> scratch);

    private protected override void ResizeFirst(int positions)
    {
        if (_keys.Count == 0)
        {
            _keys.Add([]);
            _values.Add([]);
        }
        var (keys, values) = (_keys[0], _values[0]);
        Array.Resize(ref keys, positions * HeadSize);
        Array.Resize(ref values, positions * HeadSize);
        (_keys[0], _values[0]) = (keys, values);
    }

    private protected override void AddPage()
    {
        _keys.Add(new T[Page * HeadSize]);
        _values.Add(new T[Page * HeadSize]);
    }

    private protected override void MovePage(int from)
    {
        Move(_keys, from);
        Move(_values, from);
    }
}

internal sealed class SingleHeadCache(int headSize) : PagedHeadCache<float, StoredSingles>(headSize)
{
    private protected override void Narrow(ReadOnlySpan<float> numbers, Span<float> narrow) => numbers.CopyTo(narrow);

    private protected override ReadOnlySpan<float> Widen(ReadOnlySpan<float> narrow, Span<float> scratch) => narrow;
}

internal sealed class HalfHeadCache(int headSize) : PagedHeadCache<ushort, StoredHalves>(headSize)
{
    private protected override void Narrow(ReadOnlySpan<float> numbers, Span<ushort> narrow)
    {
        Span<float> within = stackalloc float[numbers.Length];
        System.Numerics.Tensors.TensorPrimitives.Clamp(numbers, -65504f, 65504f, within);
        SmallFloat.SingleToHalf(within, narrow);
    }

    private protected override ReadOnlySpan<float> Widen(ReadOnlySpan<ushort> narrow, Span<float> scratch)
    {
        SmallFloat.HalfToSingle(narrow, scratch[..narrow.Length]);
        return scratch[..narrow.Length];
    }
}
