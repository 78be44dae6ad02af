using Quarank.Numerics.Kernels;

namespace Quarank.Models;

/// <summary>The rotated keys and the values of one block, head by head; grows with use.</summary>
internal sealed class KeyValueCache(ModelSpec spec, CacheNumbers numbers = CacheNumbers.F32)
{
    private HeadCache[] _heads = NewHeads(spec, numbers);

    public HeadCache Head(int head) => _heads[head];

    /// <summary>Bytes held.</summary>
    public long Bytes => _heads.Sum(h => (long)h.Held * h.BytesPerPosition);

    /// <summary>The first position whose key is still there.</summary>
    public int FirstKept => _heads[0].FirstKept;

    /// <summary>Makes room for positions 0 … positions − 1; what is stored stays.</summary>
    public void Cover(int positions)
    {
        foreach (var head in _heads) head.Cover(positions);
    }

    /// <summary>Lets go of positions that no token sees any more: those before <paramref name="before"/>, a page at a time.</summary>
    public void Forget(int before)
    {
        foreach (var head in _heads) head.Forget(before);
    }

    /// <summary>Makes a cache that forgot something an empty one, to be filled from position 0.</summary>
    public void Restart()
    {
        if (FirstKept > 0) _heads = NewHeads(spec, numbers);
    }

    private static HeadCache[] NewHeads(ModelSpec spec, CacheNumbers numbers) =>
        [.. Enumerable.Range(0, spec.KeyValueHeadCount).Select(_ => HeadCache.Create(numbers, spec.HeadSize))];
}
