using System.Text;

namespace Quarank.Tokenizers.Jinja;

/// <summary>
/// Cuts a template into text and the tokens of its tags, as Jinja does with <c>trim_blocks</c> and <c>lstrip_blocks</c>, which chat
/// templates are written for: the line break after a statement or comment goes, and so do the spaces before one that begins
/// its line; a minus inside a tag takes all white space on its side, a plus keeps all of it.
/// </summary>
internal sealed class Lexer
{
    private readonly string _file;
    private readonly string _source;
    private readonly List<Token> _tokens = [];
    private int _at;
    private int _line = 1;

    private Lexer(string source, string file) => (_source, _file) = (source, file);

    /// <exception cref="InvalidDataException">A tag, comment or string does not end, or holds a sign of no meaning.</exception>
    public static List<Token> Read(string source, string file)
    {
        // A single line break at the end is not part of a template.
        source = source.ReplaceLineEndings("\n");
        if (source.EndsWith('\n')) source = source[..^1];
        var lexer = new Lexer(source, file);
        lexer.ReadAll();
        return lexer._tokens;
    }

    private Place Here => new(_file, _line);

    private void ReadAll()
    {
        bool lineStarts = true;
        while (_at < _source.Length)
        {
            int tag = NextTag();
            string text = _source[_at..(tag < 0 ? _source.Length : tag)];
            var place = Here;
            if (tag < 0)
            {
                if (text.Length > 0) _tokens.Add(new(TokenKind.Text, text, place));
                break;
            }
            Advance(tag);
            char kind = _source[_at + 1], sign = Peek(2);
            if (sign == '-') text = text.TrimEnd();
            else if (kind != '{' && sign != '+') text = WithoutIndent(text, lineStarts);
            if (text.Length > 0) _tokens.Add(new(TokenKind.Text, text, place));
            Advance(_at + (sign is '-' or '+' ? 3 : 2));

            if (kind == '#') SkipComment();
            else if (kind == '{') ReadTag(TokenKind.OutputStart, TokenKind.OutputEnd, "}}");
            else if (!TryReadRaw()) ReadTag(TokenKind.StatementStart, TokenKind.StatementEnd, "%}");
            lineStarts = _source[_at - 1] == '\n';
        }
        _tokens.Add(new(TokenKind.End, "", Here));
    }

    private int NextTag()
    {
        for (int i = _source.IndexOf('{', _at); i >= 0 && i + 1 < _source.Length; i = _source.IndexOf('{', i + 1))
            if (_source[i + 1] is '{' or '%' or '#') return i;
        return -1;
    }

    private static string WithoutIndent(string text, bool lineStarts)
    {
        int start = text.LastIndexOf('\n') + 1;
        return (start > 0 || lineStarts) && text.AsSpan(start).IsWhiteSpace() ? text[..start] : text;
    }

    private void SkipComment()
    {
        int end = _source.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0) throw Here.Wrong("a comment begins here and never ends.");
        char sign = _source[end - 1];
        Advance(end + 2);
        EndTag(sign, trimsLine: true);
    }

    /// <summary>{% raw %}: all up to {% endraw %} is text.</summary>
    private bool TryReadRaw()
    {
        int end = _source.IndexOf("%}", _at, StringComparison.Ordinal);
        if (end < 0 || _source[_at..end].Trim(' ', '\t', '\n', '-', '+') != "raw") return false;
        throw Here.Unsupported("{% raw %}", Parser.Statements);
    }

    private void ReadTag(TokenKind start, TokenKind end, string close)
    {
        var place = Here;
        _tokens.Add(new(start, close == "}}" ? "{{" : "{%", place));
        int open = 0;
        while (true)
        {
            while (_at < _source.Length && char.IsWhiteSpace(_source[_at])) Advance(_at + 1);
            if (_at >= _source.Length) throw place.Wrong($"a tag begins here and never ends; expected {close}.");
            char sign = _source[_at];
            int skip = sign is '-' or '+' ? 1 : 0;
            if (open == 0 && string.CompareOrdinal(_source, _at + skip, close, 0, 2) == 0)
            {
                _tokens.Add(new(end, close, Here));
                Advance(_at + skip + 2);
                EndTag(skip == 1 ? sign : ' ', trimsLine: end == TokenKind.StatementEnd);
                return;
            }
            var token = TokenReader.Read(_source, _at, Here, out int next);
            if (token.Is("{") || token.Is("[") || token.Is("(")) open++;
            else if (token.Is("}") || token.Is("]") || token.Is(")")) open--;
            _tokens.Add(token);
            Advance(next);
        }
    }

    private void EndTag(char sign, bool trimsLine)
    {
        if (sign == '-')
            while (_at < _source.Length && char.IsWhiteSpace(_source[_at])) Advance(_at + 1);
        else if (trimsLine && sign != '+' && Peek(0) == '\n') Advance(_at + 1);
    }

    private char Peek(int offset) => _at + offset < _source.Length ? _source[_at + offset] : '\0';

    private void Advance(int to)
    {
        _line += _source.AsSpan(_at..to).Count('\n');
        _at = to;
    }
}
