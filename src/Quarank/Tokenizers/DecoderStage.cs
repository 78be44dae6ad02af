using System.Text;

namespace Quarank.Tokenizers;

/// <summary>
/// One step from pieces to text. Steps take piece after piece and hand on what is certain, so that decoding all at once and
/// decoding as tokens come are the same thing.
/// </summary>
internal abstract class DecoderStage
{
    /// <summary>Where this step hands its results.</summary>
    public DecoderStage? Next { get; set; }

    public abstract void Append(string piece);

    /// <summary>No more pieces will come: hands on what was held back.</summary>
    public virtual void Finish() => Next?.Finish();
}

/// <summary>The end of the chain: the text so far.</summary>
internal sealed class TextStage : DecoderStage
{
    private readonly StringBuilder _text = new();

    public override void Append(string piece) => _text.Append(piece);

    /// <summary>The text since it was last taken.</summary>
    public string Take()
    {
        string text = _text.ToString();
        _text.Clear();
        return text;
    }
}

/// <summary>
/// Pieces in GPT-2's spelling of bytes; one that has other characters stands for itself. Bad UTF-8 becomes U+FFFD.
/// </summary>
internal sealed class ByteLevelStage : DecoderStage
{
    private readonly Decoder _utf8 = Encoding.UTF8.GetDecoder();
    private readonly List<byte> _bytes = [];

    public override void Append(string piece)
    {
        _bytes.Clear();
        if (!ByteCharacters.TryBytes(piece, _bytes)) _bytes.AddRange(Encoding.UTF8.GetBytes(piece));
        Convert(flush: false);
    }

    public override void Finish()
    {
        _bytes.Clear();
        Convert(flush: true);
        base.Finish();
    }

    private void Convert(bool flush)
    {
        byte[] bytes = [.. _bytes];
        var characters = new char[_utf8.GetCharCount(bytes, 0, bytes.Length, flush)];
        int n = _utf8.GetChars(bytes, 0, bytes.Length, characters, 0, flush);
        if (n > 0) Next!.Append(new string(characters, 0, n));
    }
}
