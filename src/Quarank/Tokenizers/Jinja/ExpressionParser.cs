using System.Globalization;

namespace Quarank.Tokenizers.Jinja;

/// <summary>
/// Builds expressions from tokens. What binds least comes first: if else, or, and, not, comparisons, + -, ~, * / // %, signs,
/// then what stands behind a value.
/// </summary>
internal sealed class ExpressionParser(TokenStream tokens)
{
    private const int DeepestNesting = 200;

    private static readonly string[] Comparisons = ["==", "!=", "<", "<=", ">", ">="];

    private int _depth;

    public Expression Read() => Nested(() =>
    {
        var value = ReadOr();
        while (tokens.Current.Is("if"))
        {
            var place = tokens.Take().Place;
            var condition = ReadOr();
            value = new Choice(place, condition, value, tokens.TryTake("else") ? Read() : null);
        }
        return value;
    });

    public Expression ReadWithoutChoice() => Nested(ReadOr);

    /// <summary>One expression, or several with commas between them as a tuple.</summary>
    public Expression ReadTuple()
    {
        var first = Read();
        if (!tokens.Current.Is(",")) return first;
        List<Expression> items = [first];
        while (tokens.TryTake(",") && tokens.Current.Kind is not (TokenKind.OutputEnd or TokenKind.StatementEnd) && !tokens.Current.Is(")"))
            items.Add(Read());
        return new ListOf(first.Place, items, isTuple: true);
    }

    /// <summary>Refuses what nests so deep that reading it would end the program.</summary>
    public T Nested<T>(Func<T> read)
    {
        if (++_depth > DeepestNesting) throw tokens.Current.Place.Wrong($"it nests more than {DeepestNesting} deep.");
        var result = read();
        _depth--;
        return result;
    }

    private Expression ReadOr()
    {
        var left = ReadAnd();
        while (tokens.Current.Is("or")) left = new Logical(tokens.Take().Place, left, ReadAnd(), and: false);
        return left;
    }

    private Expression ReadAnd()
    {
        var left = ReadNot();
        while (tokens.Current.Is("and")) left = new Logical(tokens.Take().Place, left, ReadNot(), and: true);
        return left;
    }

    private Expression ReadNot() =>
        tokens.Current.Is("not") ? Nested(() => new Not(tokens.Take().Place, ReadNot())) : ReadComparison();

    private Expression ReadComparison()
    {
        var first = ReadSum();
        List<(string, Expression)> rest = [];
        while (true)
        {
            var token = tokens.Current;
            if (token.Kind == TokenKind.Operator && Comparisons.Contains(token.Text) || token.Is("in"))
            {
                tokens.Take();
                rest.Add((token.Text, ReadSum()));
            }
            else if (token.Is("not") && tokens.Next.Is("in"))
            {
                tokens.Take();
                tokens.Take();
                rest.Add(("not in", ReadSum()));
            }
            else return rest.Count == 0 ? first : new Comparison(first.Place, first, rest);
        }
    }

    private Expression ReadSum() => ReadLeft(ReadJoin, "+", "-");

    private Expression ReadJoin() => ReadLeft(ReadProduct, "~");

    private Expression ReadProduct() => ReadLeft(() => ReadSigned(), "*", "/", "//", "%");

    private Expression ReadLeft(Func<Expression> read, params string[] operators)
    {
        var left = read();
        while (tokens.Current.Kind == TokenKind.Operator && operators.Contains(tokens.Current.Text))
        {
            var op = tokens.Take();
            left = new Calculation(op.Place, op.Text, left, read());
        }
        if (tokens.Current.Is("**")) throw tokens.Current.Place.Unsupported("'**'", ["+", "-", "*", "/", "//", "%", "~"]);
        return left;
    }

    private Expression ReadSigned(bool filters = true)
    {
        Expression value;
        if (tokens.Current.Is("-")) value = Nested(() => new Negative(tokens.Take().Place, ReadSigned(filters: false)));
        else value = Suffixes.Read(tokens, this, ReadPrimary());
        return filters ? Suffixes.ReadFilters(tokens, this, value) : value;
    }

    public Expression ReadPrimary()
    {
        var token = tokens.Take();
        switch (token.Kind)
        {
            case TokenKind.String:
                string text = token.Text;
                while (tokens.Current.Kind == TokenKind.String) text += tokens.Take().Text;
                return new Literal(token.Place, text);
            case TokenKind.Number:
                return new Literal(token.Place, Number(token));
            case TokenKind.Name:
                return token.Text switch
                {
                    "true" or "True" => new Literal(token.Place, true),
                    "false" or "False" => new Literal(token.Place, false),
                    "none" or "None" => new Literal(token.Place, null),
                    _ => new Name(token.Place, token.Text),
                };
            case TokenKind.Operator when token.Text == "(":
                if (tokens.TryTake(")")) return new ListOf(token.Place, [], isTuple: true);
                var inner = ReadTuple();
                tokens.Expect(")");
                return inner;
            case TokenKind.Operator when token.Text == "[":
                return new ListOf(token.Place, ReadList("]", Read), isTuple: false);
            case TokenKind.Operator when token.Text == "{":
                return new MapOf(token.Place, ReadList("}", () =>
                {
                    var key = Read();
                    tokens.Expect(":");
                    return (key, Read());
                }));
            default:
                throw token.Place.Wrong($"expected a value, found {token}.");
        }
    }

    /// <summary>Things with commas between them, up to <paramref name="end"/>.</summary>
    public List<T> ReadList<T>(string end, Func<T> read)
    {
        List<T> items = [];
        while (!tokens.TryTake(end))
        {
            if (items.Count > 0)
            {
                tokens.Expect(",");
                if (tokens.TryTake(end)) break;
            }
            items.Add(read());
        }
        return items;
    }

    private static object Number(Token token)
    {
        if (token.Text.Contains('.')) return double.Parse(token.Text, CultureInfo.InvariantCulture);
        return long.TryParse(token.Text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number
            : throw token.Place.Unsupported($"the number {token.Text}", [$"up to {long.MaxValue}"]);
    }
}
