namespace Quarank.Tokenizers;

/// <summary>
/// Merges of a word of many symbols in O(n log n): neighbours are linked, candidate pairs wait in a heap by rank and position,
/// and one that has changed meanwhile is passed over when its turn comes.
/// </summary>
internal static class LongWord
{
    private const int Gone = -1;

    /// <summary>Merges in place; returns how many symbols are left.</summary>
    public static int Merge(MergeTable merges, Span<int> symbols)
    {
        int n = symbols.Length;
        var next = new int[n];
        var previous = new int[n];
        var heap = new PriorityQueue<int, ulong>(n);
        for (int i = 0; i < n; i++) (previous[i], next[i]) = (i - 1, i + 1);
        for (int i = 0; i + 1 < n; i++) Offer(heap, merges, symbols, i, i + 1);

        while (heap.TryDequeue(out int left, out ulong key))
        {
            int right = symbols[left] == Gone ? n : next[left];
            if (right >= n) continue;
            // Pairs of one rank at one place are in the heap as often as they occur, so the rank alone tells a stale one.
            ulong pair = merges.Find(symbols[left], symbols[right]);
            if (pair == MergeTable.None || pair >> 32 != key >> 32) continue;

            symbols[left] = (int)pair;
            symbols[right] = Gone;
            next[left] = next[right];
            if (next[left] < n)
            {
                previous[next[left]] = left;
                Offer(heap, merges, symbols, left, next[left]);
            }
            if (previous[left] >= 0) Offer(heap, merges, symbols, previous[left], left);
        }

        int count = 0;
        for (int i = 0; i < n; i = next[i]) symbols[count++] = symbols[i];
        return count;
    }

    private static void Offer(PriorityQueue<int, ulong> heap, MergeTable merges, ReadOnlySpan<int> symbols, int left, int right)
    {
        ulong pair = merges.Find(symbols[left], symbols[right]);
        if (pair != MergeTable.None) heap.Enqueue(left, pair >> 32 << 32 | (uint)left);
    }
}
