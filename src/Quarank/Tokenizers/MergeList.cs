namespace Quarank.Tokenizers;

/// <summary>Merges written as a list in the order of their ranks.</summary>
internal static class MergeList
{
    private const char Space = '▁';

    /// <param name="spacesPart">Whether no merge makes a piece in which a ▁ follows another character.</param>
    public static MergeTable Read(
        IEnumerable<(string Left, string Right)> merges, Vocabulary vocabulary, string file, out bool spacesPart)
    {
        var list = merges.ToList();
        var table = new MergeTable(list.Count);
        spacesPart = true;
        for (int rank = 0; rank < list.Count; rank++)
        {
            var (left, right) = list[rank];
            table.Add(Id(left), Id(right), rank, Id(left + right));
            spacesPart &= !PartsAtSpace(left + right);

            int Id(string piece) => vocabulary.TryFind(piece, out int id)
                ? id
                : throw new InvalidDataException(
                    $"{file}: merge {rank} ('{left}' and '{right}'): '{piece}' is not in the vocabulary.");
        }
        return table;
    }

    /// <summary>Whether a ▁ follows another character in the piece.</summary>
    public static bool PartsAtSpace(string piece) => piece.TrimStart(Space).Contains(Space);

    /// <summary>The two pieces of "left right".</summary>
    public static (string Left, string Right) Parse(string line, string file) => line.Split(' ') is [var left, var right]
        ? (left, right)
        : throw new InvalidDataException($"{file}: expected a merge of two pieces with a space between, found '{line}'.");
}
