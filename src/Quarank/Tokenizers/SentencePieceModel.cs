namespace Quarank.Tokenizers;

/// <summary>What a SentencePiece tokenizer.model holds (a protocol buffers message, sentencepiece_model.proto).</summary>
internal sealed class SentencePieceModel
{
    /// <summary>A piece: its text, its score (higher merges first) and what it is for.</summary>
    public readonly record struct Piece(string Text, float Score, PieceType Type);

    /// <summary>What a piece is for, with the numbers of the file.</summary>
    public enum PieceType
    {
        Normal = 1,
        Unknown = 2,
        Control = 3,
        UserDefined = 4,
        Unused = 5,
        Byte = 6,
    }

    public List<Piece> Pieces { get; } = [];

    public bool ByteFallback { get; private set; }

    /// <summary>What an unknown piece is decoded to.</summary>
    public string UnknownSurface { get; private set; } = " \u2047 ";

    public string BeginningPiece { get; private set; } = "<s>";

    public string EndPiece { get; private set; } = "</s>";

    public bool AddDummyPrefix { get; private set; } = true;

    public bool RemoveExtraSpaces { get; private set; } = true;

    public static SentencePieceModel Read(string file)
    {
        using var stream = TokenizerFiles.Open(file);
        using var content = new MemoryStream();
        stream.CopyTo(content);

        var model = new SentencePieceModel();
        var reader = new ProtobufReader(content.GetBuffer().AsSpan(0, (int)content.Length), file);
        // A model that names no type is of the first, unigram.
        long type = 1;
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1: model.ReadPiece(reader.Bytes, file); break;
                case 2: model.ReadTrainer(reader.Bytes, file, ref type); break;
                case 3: model.ReadNormalizer(reader.Bytes, file); break;
                case 5: RefuseMap(reader.Bytes, file, "denormalizer"); break;
            }
        }
        if (model.Pieces.Count == 0) throw new InvalidDataException($"{file}: expected a SentencePiece model, found no pieces.");
        if (type != 2)
        {
            string name = type switch { 1 => "unigram", 3 => "word", 4 => "char", _ => $"{type}" };
            throw new NotSupportedException($"{file}: SentencePiece model type '{name}' is not supported; known: bpe.");
        }
        return model;
    }

    private void ReadPiece(ReadOnlySpan<byte> message, string file)
    {
        string text = "";
        float score = 0;
        long type = 1;
        var reader = new ProtobufReader(message, file);
        while (reader.Next())
        {
            if (reader.Field == 1) text = reader.Text;
            else if (reader.Field == 2) score = reader.Single;
            else if (reader.Field == 3) type = reader.Integer;
        }
        if (text.Length == 0) throw new InvalidDataException($"{file}: piece {Pieces.Count}: expected a text, found nothing.");
        string name = $"{file}: piece {Pieces.Count} '{text}'";
        if (float.IsNaN(score)) throw new InvalidDataException($"{name}: expected a score, found NaN.");
        if (type is < 1 or > 6) throw new InvalidDataException($"{name}: expected a type from 1 to 6, found {type}.");
        if (type == (long)PieceType.Unused)
            throw new NotSupportedException($"{name} is of type unused; known: normal, unknown, control, user-defined, byte.");
        Pieces.Add(new(text, score, (PieceType)type));
    }

    private void ReadTrainer(ReadOnlySpan<byte> message, string file, ref long type)
    {
        var reader = new ProtobufReader(message, file);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 3: type = reader.Integer; break;
                case 24 when reader.Flag:
                    throw new NotSupportedException(
                        $"{file}: treat_whitespace_as_suffix is not supported; known: spaces before words.");
                case 35: ByteFallback = reader.Flag; break;
                case 44: UnknownSurface = reader.Text; break;
                case 46: BeginningPiece = reader.Text; break;
                case 47: EndPiece = reader.Text; break;
            }
        }
    }

    private void ReadNormalizer(ReadOnlySpan<byte> message, string file)
    {
        RefuseMap(message, file, "normalizer");
        var reader = new ProtobufReader(message, file);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 3: AddDummyPrefix = reader.Flag; break;
                case 4: RemoveExtraSpaces = reader.Flag; break;
                case 5 when !reader.Flag:
                    throw new NotSupportedException($"{file}: escape_whitespaces = false is not supported; known: true.");
            }
        }
    }

    private static void RefuseMap(ReadOnlySpan<byte> message, string file, string what)
    {
        string name = "";
        bool mapped = false;
        var reader = new ProtobufReader(message, file);
        while (reader.Next())
        {
            if (reader.Field == 1) name = reader.Text;
            else if (reader.Field is 2 or 6) mapped |= reader.Bytes.Length > 0;
        }
        if (mapped)
            throw new NotSupportedException($"{file}: {what} '{name}' has a character map, which is not supported; known: identity.");
    }
}
