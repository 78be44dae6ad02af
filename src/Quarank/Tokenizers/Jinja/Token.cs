namespace Quarank.Tokenizers.Jinja;

internal enum TokenKind
{
    /// <summary>Text between tags, as it will be written.</summary>
    Text,
    OutputStart,
    OutputEnd,
    StatementStart,
    StatementEnd,
    Name,
    Number,

    /// <summary>A string, its escapes resolved.</summary>
    String,
    Operator,
    End,
}

internal readonly record struct Token(TokenKind Kind, string Text, Place Place)
{
    public bool Is(string text) => Kind is TokenKind.Name or TokenKind.Operator && Text == text;

    /// <summary>How an error message shows it.</summary>
    public override string ToString() => Kind switch
    {
        TokenKind.Text => "text",
        TokenKind.End => "the end of the template",
        _ => $"'{Text}'",
    };
}
