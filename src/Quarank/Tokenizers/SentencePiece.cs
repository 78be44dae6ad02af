using System.Text;
using static Quarank.Tokenizers.SentencePieceModel;

namespace Quarank.Tokenizers;

/// <summary>
/// SentencePiece's byte pair encoding (Kudo and Richardson 2018): any two neighbours whose texts joined are a piece may merge,
/// the piece of the best score first. Special tokens written out in a text stay text.
/// </summary>
internal static class SentencePiece
{
    public static TokenizerParts Read(string file, TokenizerConfig config)
    {
        var model = SentencePieceModel.Read(file);
        var vocabulary = ReadVocabulary(model, file);
        int unknown = Unknown(model, file);

        var options = new BytePairOptions { ByteFallback = model.ByteFallback, Unknown = unknown, FuseUnknown = true };
        var start = new StartSymbols(vocabulary, options);
        var merges = Merges(model, vocabulary, start);
        bool spacesPart = !model.Pieces.Any(p => CanMerge(p) && MergeList.PartsAtSpace(p.Text));

        int? beginning = Control(model.BeginningPiece), end = Control(model.EndPiece);
        var userDefined = UserDefined(model);
        var normalizer = new SentencePieceNormalizer(userDefined, model.AddDummyPrefix, model.RemoveExtraSpaces);
        // Tokens that transformers added later are found in the text; the model's own are not.
        var added = config.AddedTokens.Where(t => t.Id >= model.Pieces.Count).ToList();
        foreach (var token in added) vocabulary.Add(token.Content, token.Id);
        int[] controls = [.. Enumerable.Range(0, model.Pieces.Count).Where(id => model.Pieces[id].Type == PieceType.Control)];
        return new()
        {
            Vocabulary = vocabulary,
            AddedTokens = added,
            SpecialIds = controls,
            TemplateTokens = [.. controls.Select(id => new AddedToken(model.Pieces[id].Text, id, Special: true))],
            Normalizer = new([normalizer.Apply]),
            PreTokenizer = new() { Frozen = userDefined },
            Encoder = new(vocabulary, merges, start, options, spacesPart),
            PostProcessor = config.Adjust(new(beginning is { } b ? [b] : [], []), beginning, end),
            Decoder = last => new SentencePieceStage(model, vocabulary) { Next = last },
            BeginningOfText = beginning,
            EndOfText = end,
        };

        int? Control(string piece) =>
            vocabulary.TryFind(piece, out int id) && model.Pieces[id].Type == PieceType.Control ? id : null;
    }

    private static Vocabulary ReadVocabulary(SentencePieceModel model, string file)
    {
        var vocabulary = new Vocabulary(file);
        for (int id = 0; id < model.Pieces.Count; id++)
        {
            var (text, _, type) = model.Pieces[id];
            if (vocabulary.TryFind(text, out int other))
                throw new InvalidDataException($"{file}: expected every piece once, found '{text}' as {other} and {id}.");
            if (type == PieceType.Byte && !ByteFallbackStage.TryByte(text, out _))
                throw new InvalidDataException($"{file}: piece {id} is a byte; expected a text like <0x0A>, found '{text}'.");
            vocabulary.Add(text, id);
        }
        return vocabulary;
    }

    private static int Unknown(SentencePieceModel model, string file)
    {
        int id = model.Pieces.FindIndex(p => p.Type == PieceType.Unknown);
        if (id < 0 || model.Pieces.FindLastIndex(p => p.Type == PieceType.Unknown) != id)
            throw new InvalidDataException($"{file}: expected one unknown piece, found {(id < 0 ? "none" : "several")}.");
        return id;
    }

    // The order in which pairs merge is that of the scores of the pieces they make; equal scores are equal ranks.
    private static MergeTable Merges(SentencePieceModel model, Vocabulary vocabulary, StartSymbols start)
    {
        var rankOf = model.Pieces.Select(p => p.Score).Distinct().OrderDescending().Select((score, rank) => (score, rank))
            .ToDictionary(p => p.score, p => p.rank);
        List<(int Left, int Right, int Rank, int Merged)> merges = [];
        for (int id = 0; id < model.Pieces.Count; id++)
        {
            var piece = model.Pieces[id];
            if (!CanMerge(piece)) continue;
            for (int i = 1; i < piece.Text.Length; i++)
            {
                if (char.IsLowSurrogate(piece.Text[i])) continue;
                if (Symbol(piece.Text[..i]) is { } left && Symbol(piece.Text[i..]) is { } right)
                    merges.Add((left, right, rankOf[piece.Score], id));
            }
        }
        var table = new MergeTable(merges.Count);
        foreach (var (left, right, rank, merged) in merges) table.Add(left, right, rank, merged);
        return table;

        // What a stretch of text can be while words merge: one character of any kind, or a piece.
        int? Symbol(string text)
        {
            if (Rune.TryGetRuneAt(text, 0, out var rune) && rune.Utf16SequenceLength == text.Length) return start.SymbolOf(rune);
            return vocabulary.TryFind(text, out int id) && CanMerge(model.Pieces[id]) ? id : null;
        }
    }

    private static bool CanMerge(Piece piece) => piece.Type is PieceType.Normal or PieceType.UserDefined;

    private static AddedTokenMatcher UserDefined(SentencePieceModel model) => new(model.Pieces
        .Select((piece, id) => (piece, id)).Where(p => p.piece.Type == PieceType.UserDefined)
        .Select(p => (p.piece.Text, new AddedToken(p.piece.Text, p.id, Special: false))));
}
