using System.Numerics;

namespace Quarank.Tokenizers;

/// <summary>
/// Which two neighbours merge: (left, right) → rank and id of the whole, lower ranks first.
/// Open addressing over a power of two, at most half full.
/// </summary>
internal sealed class MergeTable
{
    /// <summary>What <see cref="Find"/> answers for a pair that does not merge; its rank is the largest there is.</summary>
    public const ulong None = ulong.MaxValue;

    private readonly Entry[] _entries;
    private readonly int _shift;

    public MergeTable(int capacity)
    {
        int size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, capacity * 2L));
        _entries = new Entry[size];
        _entries.AsSpan().Fill(new(None, None));
        _shift = 64 - BitOperations.Log2((uint)size);
    }

    /// <summary>Adds a pair; one that is there already takes the new rank.</summary>
    public void Add(int left, int right, int rank, int merged)
    {
        ulong key = Key(left, right);
        int i = Slot(key);
        while (_entries[i].Key != key && _entries[i].Key != None) i = (i + 1) & (_entries.Length - 1);
        _entries[i] = new(key, (ulong)(uint)rank << 32 | (uint)merged);
    }

    /// <summary>rank · 2³² + merged id, or <see cref="None"/>.</summary>
    public ulong Find(int left, int right)
    {
        ulong key = Key(left, right);
        var entries = _entries;
        for (int i = Slot(key); ; i = (i + 1) & (entries.Length - 1))
        {
            var entry = entries[i];
            if (entry.Key == key) return entry.Value;
            if (entry.Key == None) return None;
        }
    }

    private static ulong Key(int left, int right) => (ulong)(uint)left << 32 | (uint)right;

    private int Slot(ulong key) => (int)(key * 0x9E3779B97F4A7C15 >> _shift);

    private readonly record struct Entry(ulong Key, ulong Value);
}
