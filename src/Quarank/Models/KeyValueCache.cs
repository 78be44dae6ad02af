using Quarank.Numerics.Kernels;

namespace Quarank.Models;

/// <summary>The rotated keys and the values of one block, head by head; grows with use.</summary>
internal sealed class KeyValueCache(ModelSpec spec)
{
    private readonly float[][] _keys = Empty(spec.KeyValueHeadCount), _values = Empty(spec.KeyValueHeadCount);
    private int _capacity;

    /// <summary>The keys of a head in tiles (see <see cref="AttentionKernels"/>).</summary>
    public Span<float> Keys(int head) => _keys[head];

    /// <summary>The values of a head, one position a row.</summary>
    public Span<float> Values(int head) => _values[head];

    /// <summary>Bytes held.</summary>
    public long Bytes => 2L * sizeof(float) * _capacity * spec.KeyValueSize;

    /// <summary>Makes room for positions 0 … positions − 1; what is stored stays.</summary>
    public void Cover(int positions)
    {
        if (positions <= _capacity) return;
        _capacity = AttentionKernels.WholeTiles(Math.Max(positions, Math.Min(2 * _capacity, spec.ContextLength)));
        for (int head = 0; head < _keys.Length; head++)
        {
            Array.Resize(ref _keys[head], checked(_capacity * spec.HeadSize));
            Array.Resize(ref _values[head], checked(_capacity * spec.HeadSize));
        }
    }

    private static float[][] Empty(int heads) => [.. Enumerable.Repeat(Array.Empty<float>(), heads)];
}
