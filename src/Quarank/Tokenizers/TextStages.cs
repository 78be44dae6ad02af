using System.Globalization;
using System.Text;

namespace Quarank.Tokenizers;

/// <summary>Hands pieces on as they are: where a file asks to fuse pieces, which handing on already does.</summary>
internal sealed class PassingStage : DecoderStage
{
    public override void Append(string piece) => Next!.Append(piece);
}

/// <summary>Puts a space between pieces: what a tokenizer.json without decoder means.</summary>
internal sealed class SpacedStage : DecoderStage
{
    private bool _begun;

    public override void Append(string piece)
    {
        Next!.Append(_begun ? " " + piece : piece);
        _begun = true;
    }
}

/// <summary>Replaces text within each piece.</summary>
internal sealed class ReplaceStage(string pattern, string content) : DecoderStage
{
    public override void Append(string piece) => Next!.Append(piece.Replace(pattern, content, StringComparison.Ordinal));
}

/// <summary>▁ is a space, but none at the start of the first piece.</summary>
internal sealed class MetaspaceStage(string space, bool prefixed) : DecoderStage
{
    private bool _begun;

    public override void Append(string piece)
    {
        if (!_begun && prefixed && piece.StartsWith(space, StringComparison.Ordinal)) piece = piece[space.Length..];
        _begun = true;
        Next!.Append(piece.Replace(space, " ", StringComparison.Ordinal));
    }
}

/// <summary>Takes up to <paramref name="most"/> of a character away from the start of the text.</summary>
internal sealed class StripStartStage(char content, int most) : DecoderStage
{
    private int _left = most;

    public override void Append(string piece)
    {
        int n = 0;
        while (n < piece.Length && _left > 0)
        {
            if (piece[n] != content) _left = 0;
            else
            {
                _left--;
                n++;
            }
        }
        Next!.Append(piece[n..]);
    }
}

/// <summary>
/// Runs of &lt;0x00&gt; to &lt;0xFF&gt; become the text they are in UTF-8; a run that is not UTF-8 throughout becomes U+FFFD
/// byte by byte. So a run is held back until a piece of another kind ends it.
/// </summary>
internal sealed class ByteFallbackStage : DecoderStage
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    private readonly List<byte> _run = [];

    public override void Append(string piece)
    {
        if (TryByte(piece, out byte b))
        {
            _run.Add(b);
            return;
        }
        EndRun();
        Next!.Append(piece);
    }

    public override void Finish()
    {
        EndRun();
        base.Finish();
    }

    public static bool TryByte(string piece, out byte value)
    {
        value = 0;
        return piece.Length == 6 && piece.StartsWith("<0x", StringComparison.Ordinal) && piece[5] == '>'
            && byte.TryParse(piece.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    private void EndRun()
    {
        if (_run.Count == 0) return;
        byte[] bytes = [.. _run];
        _run.Clear();
        string text;
        try { text = Strict.GetString(bytes); }
        catch (DecoderFallbackException) { text = new('\uFFFD', bytes.Length); }
        Next!.Append(text);
    }
}
