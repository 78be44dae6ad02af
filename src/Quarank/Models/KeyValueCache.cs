using Quarank.Numerics.Kernels;

namespace Quarank.Models;

/// <summary>The rotated keys and the values of one block, head by head; grows with use.</summary>
internal sealed class KeyValueCache(ModelSpec spec, CacheNumbers numbers = CacheNumbers.F32)
{
    private readonly HeadCache[] _heads =
        [.. Enumerable.Range(0, spec.KeyValueHeadCount).Select(_ => HeadCache.Create(numbers, spec.HeadSize))];

    public HeadCache Head(int head) => _heads[head];

    /// <summary>Bytes held.</summary>
    public long Bytes => _heads.Sum(h => (long)h.Capacity * h.BytesPerPosition);

    /// <summary>Makes room for positions 0 … positions − 1; what is stored stays.</summary>
    public void Cover(int positions)
    {
        foreach (var head in _heads) head.Cover(positions);
    }
}
