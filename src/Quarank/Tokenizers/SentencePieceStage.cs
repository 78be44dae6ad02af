using System.Text;
using static Quarank.Tokenizers.SentencePieceModel;

namespace Quarank.Tokenizers;

/// <summary>
/// SentencePiece's decoding: ▁ is a space, the one put in front of the text goes, bytes become characters (U+FFFD for each that
/// is part of none), an unknown piece becomes the model's sign for it.
/// </summary>
internal sealed class SentencePieceStage(SentencePieceModel model, Vocabulary vocabulary) : DecoderStage
{
    private const string Space = "▁";

    private readonly List<byte> _run = [];
    private bool _atStart = true;

    public override void Append(string piece)
    {
        PieceType? type = vocabulary.TryFind(piece, out int id) && id < model.Pieces.Count ? model.Pieces[id].Type : null;
        if (type == PieceType.Byte && ByteFallbackStage.TryByte(piece, out byte b))
        {
            _run.Add(b);
            EndRun(complete: false);
            return;
        }
        EndRun(complete: true);
        switch (type)
        {
            case PieceType.Unknown: Write(model.UnknownSurface); break;
            case PieceType.Normal or PieceType.UserDefined: WritePiece(piece); break;
            default: Write(piece); break;
        }
    }

    public override void Finish()
    {
        EndRun(complete: true);
        base.Finish();
    }

    private void WritePiece(string piece)
    {
        if (_atStart && (model.AddDummyPrefix || model.RemoveExtraSpaces) && piece.StartsWith(Space, StringComparison.Ordinal))
        {
            piece = piece[Space.Length..];
            // Where spaces at the start were all removed, all of them go here too.
            _atStart = model.RemoveExtraSpaces;
        }
        Write(piece.Replace(Space, " ", StringComparison.Ordinal));
    }

    private void Write(string text)
    {
        if (text.Length == 0) return;
        _atStart = false;
        Next!.Append(text);
    }

    private void EndRun(bool complete)
    {
        Span<byte> bytes = [.. _run];
        int done = 0;
        while (done < bytes.Length)
        {
            var status = Rune.DecodeFromUtf8(bytes[done..], out var rune, out int length);
            if (status == System.Buffers.OperationStatus.NeedMoreData && !complete) break;
            bool valid = status == System.Buffers.OperationStatus.Done;
            Write(valid ? rune.ToString() : "\uFFFD");
            done += valid ? length : 1;
        }
        _run.RemoveRange(0, done);
    }
}
