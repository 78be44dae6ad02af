using System.Text;

namespace Quarank.Tokenizers;

/// <summary>
/// The symbols a word starts from before any merge: its bytes, or its characters with byte fallback or unknowns.
/// </summary>
internal sealed class StartSymbols
{
    /// <summary>A UTF-16 unit needs at most three bytes of UTF-8 (a surrogate pair four).</summary>
    public const int MostPerCharacter = 3;

    private const int NoPiece = -1;

    private readonly Vocabulary _vocabulary;
    private readonly BytePairOptions _options;
    private readonly int[] _bytes = new int[256];
    private readonly int[] _basic = new int[char.MaxValue + 1];
    private readonly Dictionary<int, int> _supplementary = [];
    private readonly List<int[]> _spelled = [];

    public StartSymbols(Vocabulary vocabulary, BytePairOptions options)
    {
        (_vocabulary, _options) = (vocabulary, options);
        for (int b = 0; b < 256; b++)
        {
            string piece = options.ByteLevel ? ByteCharacters.Of((byte)b).ToString() : $"<0x{b:X2}>";
            _bytes[b] = vocabulary.TryFind(piece, out int id) ? id : options.ByteLevel ? options.Unknown ?? NoPiece : NoPiece;
        }
        Array.Fill(_basic, NoPiece);
        for (int id = 0; id < vocabulary.Count; id++)
        {
            if (vocabulary.Piece(id) is not { } piece || !IsOneCharacter(piece, out int character)) continue;
            if (vocabulary.TryFind(piece, out int found)) Set(character, found);
        }
    }

    /// <summary>
    /// The symbol of a character; a new one beyond the vocabulary when the character is no piece itself but part of one, as
    /// SentencePiece allows.
    /// </summary>
    public int SymbolOf(Rune character)
    {
        int symbol = Get(character.Value);
        if (symbol != NoPiece) return symbol;

        var ids = new int[4];
        _spelled.Add(ids[..Spell(character, ids)]);
        symbol = _vocabulary.Count + _spelled.Count - 1;
        Set(character.Value, symbol);
        return symbol;
    }

    /// <summary>The ids that a symbol beyond the vocabulary is written with.</summary>
    public ReadOnlySpan<int> Spelled(int symbol) => _spelled[symbol - _vocabulary.Count];

    /// <summary>
    /// Writes the symbols of a word and returns how many; at most <see cref="MostPerCharacter"/> for each UTF-16 unit.
    /// </summary>
    public int Of(ReadOnlySpan<char> word, Span<int> symbols)
    {
        int n = 0;
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in word.EnumerateRunes())
        {
            if (_options.ByteLevel)
            {
                int count = rune.EncodeToUtf8(utf8);
                for (int i = 0; i < count; i++)
                    if (_bytes[utf8[i]] is var id && id != NoPiece) symbols[n++] = id;
            }
            else if (Get(rune.Value) is var symbol && symbol != NoPiece) symbols[n++] = symbol;
            else n += Spell(rune, symbols[n..]);
        }
        return n;
    }

    private int Spell(Rune character, Span<int> ids)
    {
        Span<byte> utf8 = stackalloc byte[4];
        int n = character.EncodeToUtf8(utf8);
        bool known = _options.ByteFallback;
        for (int i = 0; i < n; i++) known &= _bytes[utf8[i]] != NoPiece;
        if (known)
        {
            for (int i = 0; i < n; i++) ids[i] = _bytes[utf8[i]];
            return n;
        }
        if (_options.Unknown is not { } unknown) return 0;
        ids[0] = unknown;
        return 1;
    }

    private static bool IsOneCharacter(string piece, out int character)
    {
        character = 0;
        if (piece.Length is 0 or > 2 || !Rune.TryGetRuneAt(piece, 0, out var rune)) return false;
        character = rune.Value;
        return rune.Utf16SequenceLength == piece.Length;
    }

    private int Get(int character) =>
        character <= char.MaxValue ? _basic[character] : _supplementary.GetValueOrDefault(character, NoPiece);

    private void Set(int character, int symbol)
    {
        if (character <= char.MaxValue) _basic[character] = symbol;
        else _supplementary[character] = symbol;
    }
}
