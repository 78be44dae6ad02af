namespace Quarank.Tokenizers.Jinja;

/// <summary>The tokens of a template, one after another.</summary>
internal sealed class TokenStream(IReadOnlyList<Token> tokens)
{
    private int _at;

    public Token Current => tokens[_at];

    public Token Next => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    public Token Take() => Current.Kind == TokenKind.End ? Current : tokens[_at++];

    /// <summary>Takes the token if it is this name or operator.</summary>
    public bool TryTake(string text)
    {
        if (!Current.Is(text)) return false;
        Take();
        return true;
    }

    public Token Expect(TokenKind kind, string what) => Current.Kind == kind ? Take() : throw Wrong(what);

    public void Expect(string text)
    {
        if (!TryTake(text)) throw Wrong($"'{text}'");
    }

    public InvalidDataException Wrong(string expected) => Current.Place.Wrong($"expected {expected}, found {Current}.");
}
