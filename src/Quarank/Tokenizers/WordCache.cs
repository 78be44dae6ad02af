using System.Runtime.InteropServices;

namespace Quarank.Tokenizers;

/// <summary>
/// Ids of short words met before. A slot holds one whole entry and is replaced by a single reference write, so threads share the
/// cache without locks; what it holds never changes an answer, only its speed.
/// </summary>
internal sealed class WordCache
{
    public const int LongestWord = 40;
    private const int Slots = 1 << 16;

    private readonly Entry?[] _entries = new Entry?[Slots];

    public static uint Hash(ReadOnlySpan<char> word)
    {
        ulong h = (ulong)word.Length * 0x9E3779B97F4A7C15;
        var bytes = MemoryMarshal.AsBytes(word);
        for (; bytes.Length >= 8; bytes = bytes[8..]) h = Mix(h ^ MemoryMarshal.Read<ulong>(bytes));
        if (bytes.Length >= 4)
        {
            h = Mix(h ^ MemoryMarshal.Read<uint>(bytes));
            bytes = bytes[4..];
        }
        if (bytes.Length >= 2) h = Mix(h ^ MemoryMarshal.Read<ushort>(bytes));
        return (uint)(h >> 32);
    }

    public bool TryFind(ReadOnlySpan<char> word, uint hash, List<int> ids)
    {
        var entry = _entries[hash % Slots];
        if (entry is null || entry.Hash != hash || !word.SequenceEqual(entry.Word)) return false;
        if (entry.Ids.Length == 1) ids.Add(entry.Ids[0]);
        else ids.AddRange(entry.Ids.AsSpan());
        return true;
    }

    public void Add(ReadOnlySpan<char> word, uint hash, ReadOnlySpan<int> ids) =>
        _entries[hash % Slots] = new(hash, word.ToString(), ids.ToArray());

    private static ulong Mix(ulong h)
    {
        h *= 0xD6E8FEB86659FD93;
        return h ^ h >> 32;
    }

    private sealed record Entry(uint Hash, string Word, int[] Ids);
}
