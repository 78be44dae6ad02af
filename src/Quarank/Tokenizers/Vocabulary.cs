namespace Quarank.Tokenizers;

/// <summary>
/// Pieces of text and their ids, both ways. Ids may have gaps; several ids may share a piece, the last one added is found.
/// </summary>
internal sealed class Vocabulary(string file)
{
    // More than any tokenizer has; keeps a damaged id from asking for gigabytes.
    private const int MostIds = 1 << 24;

    private readonly List<string?> _pieces = [];
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>>? _bySpan;

    /// <summary>One more than the largest id: the rows an embedding needs.</summary>
    public int Count => _pieces.Count;

    public string File => file;

    public void Add(string piece, int id)
    {
        if (id is < 0 or >= MostIds)
            throw new InvalidDataException($"{file}: piece '{piece}' has the id {id}; expected 0 to {MostIds - 1}.");
        while (_pieces.Count <= id) _pieces.Add(null);
        _pieces[id] = piece;
        _ids[piece] = id;
    }

    /// <summary>The text of a piece; null where an id has none.</summary>
    public string? Piece(int id) => id < _pieces.Count ? _pieces[id] : null;

    public bool TryFind(string piece, out int id) => _ids.TryGetValue(piece, out id);

    public bool TryFind(ReadOnlySpan<char> piece, out int id) =>
        (_bySpan ??= _ids.GetAlternateLookup<ReadOnlySpan<char>>()).TryGetValue(piece, out id);
}
