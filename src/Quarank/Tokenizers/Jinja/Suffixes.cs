namespace Quarank.Tokenizers.Jinja;

/// <summary>Reads what stands behind a value: .member, [item], (values), | filter, is test.</summary>
internal static class Suffixes
{
    public static Expression Read(TokenStream tokens, ExpressionParser expressions, Expression value)
    {
        while (tokens.Current.Kind == TokenKind.Operator)
        {
            var place = tokens.Current.Place;
            if (tokens.TryTake(".")) value = new Member(place, value, tokens.Expect(TokenKind.Name, "the name of a member").Text);
            else if (tokens.TryTake("[")) value = ReadItem(tokens, expressions, value, place);
            else if (tokens.Current.Is("(")) value = new Call(place, value, ReadGiven(tokens, expressions));
            else break;
        }
        return value;
    }

    public static Expression ReadFilters(TokenStream tokens, ExpressionParser expressions, Expression value)
    {
        while (true)
        {
            var place = tokens.Current.Place;
            if (tokens.TryTake("|"))
            {
                string name = tokens.Expect(TokenKind.Name, "the name of a filter").Text;
                value = new Filtered(place, value, name, tokens.Current.Is("(") ? ReadGiven(tokens, expressions) : Given.Nothing);
            }
            else if (tokens.TryTake("is")) value = ReadTest(tokens, expressions, value, place);
            else if (tokens.Current.Is("(")) value = new Call(place, value, ReadGiven(tokens, expressions));
            else return value;
        }
    }

    private static Expression ReadTest(TokenStream tokens, ExpressionParser expressions, Expression value, Place place)
    {
        bool negated = tokens.TryTake("not");
        string name = tokens.Current.Kind == TokenKind.Operator && tokens.Current.Text is "==" or "!=" ? tokens.Take().Text
            : tokens.Expect(TokenKind.Name, "the name of a test").Text;
        var given = Given.Nothing;
        if (tokens.Current.Is("(")) given = ReadGiven(tokens, expressions);
        else if (StartsValue(tokens.Current)) given = new([Read(tokens, expressions, expressions.ReadPrimary())], []);
        Expression test = new Tested(place, value, name, given);
        return negated ? new Not(place, test) : test;
    }

    // "is divisibleby 3": a value may follow without parentheses.
    private static bool StartsValue(Token token) => token.Kind switch
    {
        TokenKind.String or TokenKind.Number => true,
        TokenKind.Name => token.Text is not ("else" or "or" or "and" or "if" or "is" or "in" or "not"),
        TokenKind.Operator => token.Text is "[" or "{",
        _ => false,
    };

    private static Expression ReadItem(TokenStream tokens, ExpressionParser expressions, Expression owner, Place place)
    {
        var from = tokens.Current.Is(":") ? null : expressions.Read();
        if (from is not null && tokens.TryTake("]")) return new Item(place, owner, from);
        tokens.Expect(":");
        var to = tokens.Current.Is(":") || tokens.Current.Is("]") ? null : expressions.Read();
        var step = tokens.TryTake(":") && !tokens.Current.Is("]") ? expressions.Read() : null;
        tokens.Expect("]");
        return new Slice(place, owner, from, to, step);
    }

    private static Given ReadGiven(TokenStream tokens, ExpressionParser expressions)
    {
        tokens.Expect("(");
        List<Expression> positional = [];
        List<(string, Expression)> named = [];
        expressions.ReadList(")", () =>
        {
            if (tokens.Current.Is("*") || tokens.Current.Is("**"))
                throw tokens.Current.Place.Unsupported($"{tokens.Current.Text} before a value", ["values", "name=value"]);
            if (tokens.Current.Kind == TokenKind.Name && tokens.Next.Is("="))
            {
                string name = tokens.Take().Text;
                tokens.Take();
                if (named.Any(n => n.Item1 == name)) throw tokens.Current.Place.Wrong($"{name}= is given twice.");
                named.Add((name, expressions.Read()));
            }
            else if (named.Count > 0) throw tokens.Wrong("name=value behind another");
            else positional.Add(expressions.Read());
            return true;
        });
        return new(positional, named);
    }
}
