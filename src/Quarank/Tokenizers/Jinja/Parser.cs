namespace Quarank.Tokenizers.Jinja;

/// <summary>Builds a template's statements from its tokens.</summary>
internal sealed class Parser
{
    /// <summary>The statements there are, as messages name them.</summary>
    public static IReadOnlyList<string> Statements { get; } =
        ["if", "for", "set", "macro", "break", "continue", "generation"];

    private readonly TokenStream _tokens;
    private readonly ExpressionParser _expressions;
    private int _loops;

    private Parser(TokenStream tokens) => (_tokens, _expressions) = (tokens, new(tokens));

    /// <exception cref="InvalidDataException">The template is not well formed; the message names file and line.</exception>
    /// <exception cref="NotSupportedException">It has a construct, filter or test not supported; the message lists what is.</exception>
    public static Body Parse(string source, string file)
    {
        var parser = new Parser(new(Lexer.Read(source, file)));
        var body = parser.ReadBody();
        return parser._tokens.Current.Kind == TokenKind.End ? body : throw parser._tokens.Wrong("a statement to begin before it ends");
    }

    // Up to the statement that is not this body's own, as an end or an else.
    private Body ReadBody()
    {
        List<Statement> statements = [];
        while (true)
        {
            var token = _tokens.Current;
            switch (token.Kind)
            {
                case TokenKind.Text:
                    statements.Add(new TextStatement(_tokens.Take().Text));
                    break;
                case TokenKind.OutputStart:
                    _tokens.Take();
                    statements.Add(new Output(_expressions.ReadTuple()));
                    _tokens.Expect(TokenKind.OutputEnd, "}}");
                    break;
                case TokenKind.StatementStart when IsEnd(_tokens.Next):
                case TokenKind.End:
                    return new(statements);
                default:
                    _tokens.Take();
                    statements.Add(ReadStatement());
                    break;
            }
        }
    }

    private static bool IsEnd(Token name) =>
        name.Is("elif") || name.Is("else") || name.Kind == TokenKind.Name && name.Text.StartsWith("end", StringComparison.Ordinal);

    private Statement ReadStatement()
    {
        var name = _tokens.Expect(TokenKind.Name, "a statement");
        return _expressions.Nested<Statement>(() => name.Text switch
        {
            "if" => ReadIf(),
            "for" => ReadFor(name.Place),
            "set" => ReadSet(name.Place),
            "macro" => ReadMacro(),
            "generation" => ReadGeneration(),
            "break" => ReadLeave(name, Flow.Break),
            "continue" => ReadLeave(name, Flow.Continue),
            var other => throw name.Place.Unsupported($"{{% {other} %}}", Statements),
        });
    }

    private If ReadIf()
    {
        List<(Expression?, Body)> branches = [];
        var condition = _expressions.ReadTuple();
        while (true)
        {
            Close();
            branches.Add((condition, ReadBody()));
            switch (Branch("elif", "else", "endif"))
            {
                case "elif":
                    condition = _expressions.ReadTuple();
                    break;
                case "else":
                    Close();
                    branches.Add((null, ReadUntil("endif")));
                    return new(branches);
                default:
                    Close();
                    return new(branches);
            }
        }
    }

    private For ReadFor(Place place)
    {
        var names = ReadNames();
        _tokens.Expect("in");
        // "a in b if c" is a condition of the loop, not a choice of what it runs over.
        var items = _expressions.ReadWithoutChoice();
        var condition = _tokens.TryTake("if") ? _expressions.Read() : null;
        if (_tokens.Current.Is("recursive")) throw place.Unsupported("a recursive loop", Statements);
        Close();
        _loops++;
        var body = ReadBody();
        _loops--;
        bool hasElse = Branch("else", "endfor") == "else";
        Close();
        return new(place, names, items, condition, body, hasElse ? ReadUntil("endfor") : null);
    }

    private Set ReadSet(Place place)
    {
        var names = ReadNames();
        string? member = _tokens.TryTake(".") ? Name() : null;
        if (_tokens.TryTake("="))
        {
            var value = _expressions.ReadTuple();
            Close();
            return new(place, names, member, value.Evaluate);
        }
        if (_tokens.Current.Is("|"))
            throw place.Unsupported("a filter on {% set %}", ["{% set a = … %}", "{% set a %} … {% endset %}"]);
        Close();
        var body = ReadUntil("endset");
        return new(place, names, member, scope => body.Render(new Scope(scope)));
    }

    private Macro ReadMacro()
    {
        string name = Name();
        _tokens.Expect("(");
        List<(string, Expression?)> parameters = [];
        while (!_tokens.TryTake(")"))
        {
            if (parameters.Count > 0) _tokens.Expect(",");
            parameters.Add((Name(), _tokens.TryTake("=") ? _expressions.Read() : null));
        }
        Close();
        (int loops, _loops) = (_loops, 0);
        var body = ReadUntil("endmacro");
        _loops = loops;
        return new(name, parameters, body);
    }

    private Body ReadGeneration()
    {
        Close();
        return ReadUntil("endgeneration");
    }

    private Leave ReadLeave(Token name, Flow flow)
    {
        if (_loops == 0) throw name.Place.Wrong($"{{% {name.Text} %}} outside of a loop.");
        Close();
        return new(flow);
    }

    private List<string> ReadNames()
    {
        List<string> names = [Name()];
        while (_tokens.TryTake(",")) names.Add(Name());
        return names;
    }

    private string Name() => _tokens.Expect(TokenKind.Name, "a name").Text;

    private Body ReadUntil(string end)
    {
        var body = ReadBody();
        Branch(end);
        Close();
        return body;
    }

    // Takes the beginning of a statement that ends a body.
    private string Branch(params string[] known)
    {
        _tokens.Expect(TokenKind.StatementStart, $"{{% {known[^1]} %}}");
        if (!known.Contains(_tokens.Current.Text)) throw _tokens.Wrong($"{{% {string.Join(" %} or {% ", known)} %}}");
        return _tokens.Take().Text;
    }

    private void Close() => _tokens.Expect(TokenKind.StatementEnd, "%}");
}
