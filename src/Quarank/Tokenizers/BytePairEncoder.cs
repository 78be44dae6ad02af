using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Quarank.Tokenizers;

/// <summary>
/// Byte pair encoding (Sennrich et al. 2016): of all neighbours the pair of lowest rank merges first, the leftmost of equals,
/// until none merges. Safe to use from many threads.
/// </summary>
internal sealed class BytePairEncoder
{
    private const char Space = '▁';
    private const int ShortWord = 64;

    private readonly Vocabulary _vocabulary;
    private readonly MergeTable _merges;
    private readonly BytePairOptions _options;
    private readonly StartSymbols _start;
    private readonly bool _spacesPart;
    private readonly WordCache _cache = new();

    /// <param name="spacesPart">No merge joins a ▁ to what is before it unless that is a ▁ too, so text may be cut there.</param>
    public BytePairEncoder(Vocabulary vocabulary, MergeTable merges, StartSymbols start, BytePairOptions options, bool spacesPart)
    {
        (_vocabulary, _merges, _start, _options) = (vocabulary, merges, start, options);
        // An unknown ▁ could fuse with an unknown before it.
        _spacesPart = spacesPart && !options.ByteLevel && !options.WholeWords && vocabulary.TryFind(Space.ToString(), out _);
    }

    /// <summary>Appends the ids of a word (any text that no pre-tokenizer wants to cut).</summary>
    public void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        if (!_spacesPart)
        {
            EncodePart(word, ids);
            return;
        }
        // Merges never reach over such a place and their order within the parts is the same, so the ids are those of the whole.
        while (word.Length > 0)
        {
            int end = word.IndexOfAnyExcept(Space);
            int next = end < 0 ? -1 : word[end..].IndexOf(Space);
            int length = next < 0 ? word.Length : end + next;
            EncodePart(word[..length], ids);
            word = word[length..];
        }
    }

    private void EncodePart(ReadOnlySpan<char> word, List<int> ids)
    {
        if (word.Length > WordCache.LongestWord)
        {
            Merge(word, ids);
            return;
        }
        uint hash = WordCache.Hash(word);
        if (_cache.TryFind(word, hash, ids)) return;

        int first = ids.Count;
        Merge(word, ids);
        _cache.Add(word, hash, CollectionsMarshal.AsSpan(ids)[first..]);
    }

    private void Merge(ReadOnlySpan<char> word, List<int> ids)
    {
        if (_options.WholeWords && TryWhole(word, out int whole))
        {
            ids.Add(whole);
            return;
        }
        // A UTF-16 unit starts as three symbols at most: the bytes of its UTF-8.
        int most = word.Length * StartSymbols.MostPerCharacter;
        int[]? rented = most > 256 ? ArrayPool<int>.Shared.Rent(most) : null;
        Span<int> symbols = rented ?? stackalloc int[256];
        symbols = symbols[.._start.Of(word, symbols)];
        symbols = symbols[..(symbols.Length <= ShortWord ? MergeShort(symbols) : LongWord.Merge(_merges, symbols))];
        Output(symbols, ids);
        if (rented is not null) ArrayPool<int>.Shared.Return(rented);
    }

    private int MergeShort(Span<int> symbols)
    {
        int n = symbols.Length;
        Span<ulong> pairs = stackalloc ulong[ShortWord];
        for (int i = 0; i + 1 < n; i++) pairs[i] = _merges.Find(symbols[i], symbols[i + 1]);
        while (true)
        {
            int best = 0;
            uint rank = uint.MaxValue;
            for (int i = 0; i + 1 < n; i++)
            {
                uint r = (uint)(pairs[i] >> 32);
                if (r < rank) (best, rank) = (i, r);
            }
            if (rank == uint.MaxValue) return n;

            symbols[best] = (int)pairs[best];
            if (best + 2 < n) symbols[(best + 2)..n].CopyTo(symbols[(best + 1)..]);
            if (best + 2 < n - 1) pairs[(best + 2)..(n - 1)].CopyTo(pairs[(best + 1)..]);
            n--;
            if (best > 0) pairs[best - 1] = _merges.Find(symbols[best - 1], symbols[best]);
            if (best + 1 < n) pairs[best] = _merges.Find(symbols[best], symbols[best + 1]);
        }
    }

    private void Output(ReadOnlySpan<int> symbols, List<int> ids)
    {
        bool afterUnknown = false;
        foreach (int symbol in symbols)
        {
            if (symbol >= _vocabulary.Count)
            {
                // A character that is only part of pieces and stayed alone.
                foreach (int id in _start.Spelled(symbol)) Add(id);
            }
            else Add(symbol);
        }

        void Add(int id)
        {
            bool unknown = id == _options.Unknown;
            if (!(unknown && afterUnknown && _options.FuseUnknown)) ids.Add(id);
            afterUnknown = unknown;
        }
    }

    private bool TryWhole(ReadOnlySpan<char> word, out int id)
    {
        if (!_options.ByteLevel) return _vocabulary.TryFind(word, out id);
        Span<char> spelled = word.Length <= 256 ? stackalloc char[768] : new char[word.Length * 3];
        int n = 0;
        Span<byte> bytes = stackalloc byte[4];
        foreach (var rune in word.EnumerateRunes())
            for (int i = 0, count = rune.EncodeToUtf8(bytes); i < count; i++) spelled[n++] = ByteCharacters.Of(bytes[i]);
        return _vocabulary.TryFind(spelled[..n], out id);
    }
}
