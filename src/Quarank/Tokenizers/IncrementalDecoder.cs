namespace Quarank.Tokenizers;

/// <summary>
/// Ids to text as they come. What it gives in all is what <see cref="Tokenizer.Decode"/> gives at once; a character of several
/// tokens comes with its last. One text, one thread.
/// </summary>
public sealed class IncrementalDecoder
{
    private readonly Tokenizer _tokenizer;
    private readonly bool _skipSpecialTokens;
    private readonly TextStage _text = new();
    private readonly DecoderStage _first;

    internal IncrementalDecoder(Tokenizer tokenizer, bool skipSpecialTokens)
    {
        (_tokenizer, _skipSpecialTokens) = (tokenizer, skipSpecialTokens);
        _first = tokenizer.StartStages(_text);
    }

    /// <summary>Takes the next id and returns the text that is complete with it; often empty.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is not one of this vocabulary.</exception>
    public string Append(int id)
    {
        string piece = _tokenizer.DecodedPiece(id);
        if (_skipSpecialTokens && _tokenizer.IsSpecial(id)) return "";
        _first.Append(piece);
        return _text.Take();
    }

    /// <summary>The rest, when no more ids come: an unfinished character becomes U+FFFD.</summary>
    public string Finish()
    {
        _first.Finish();
        return _text.Take();
    }
}
