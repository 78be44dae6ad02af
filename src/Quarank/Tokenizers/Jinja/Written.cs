using System.Globalization;
using System.Text;

namespace Quarank.Tokenizers.Jinja;

/// <summary>Values as text: how Python writes them, and as JSON.</summary>
internal static class Written
{
    /// <summary>As {{ }} writes a value.</summary>
    public static string Text(object? value) => value switch
    {
        string text => text,
        Undefined => "",
        _ => Literal(value),
    };

    /// <summary>As json.dumps writes a value; with an indent, members stand on lines of their own.</summary>
    public static string Json(object? value, int? indent, Place place)
    {
        var text = new StringBuilder();
        Json(value, indent, 0, text, place);
        return text.ToString();
    }

    private static string Literal(object? value) => value switch
    {
        null => "None",
        bool flag => flag ? "True" : "False",
        long number => number.ToString(CultureInfo.InvariantCulture),
        double number => Number(number),
        string text => Quoted(text),
        Sequence { IsTuple: true, Items: [var only] } => $"({Literal(only)},)",
        Sequence { IsTuple: true } tuple => $"({string.Join(", ", tuple.Items.Select(Literal))})",
        Sequence list => $"[{string.Join(", ", list.Items.Select(Literal))}]",
        Map map => $"{{{string.Join(", ", map.Select(m => $"{Quoted(m.Key)}: {Literal(m.Value)}"))}}}",
        Undefined => "Undefined",
        var other => $"<{Operators.Describe(other)}>",
    };

    // Python takes double quotes where single ones stand in the text and double ones do not.
    private static string Quoted(string text)
    {
        char quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        var result = new StringBuilder().Append(quote);
        foreach (char c in text)
        {
            if (c == quote || c == '\\') result.Append('\\').Append(c);
            else if (c == '\n') result.Append("\\n");
            else if (c == '\r') result.Append("\\r");
            else if (c == '\t') result.Append("\\t");
            else if (c < ' ' || c == '\x7f') result.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}");
            else result.Append(c);
        }
        return result.Append(quote).ToString();
    }

    private static string Number(double number)
    {
        if (double.IsNaN(number)) return "nan";
        if (double.IsInfinity(number)) return number > 0 ? "inf" : "-inf";
        string text = number.ToString("R", CultureInfo.InvariantCulture);
        if (!text.Contains('E')) return text.Contains('.') ? text : text + ".0";
        // .NET takes an exponent from 1E+15, Python from 1e+16.
        return Math.Abs(number) is >= 1 and < 1e16 ? number.ToString("F1", CultureInfo.InvariantCulture) : text.Replace('E', 'e');
    }

    private static void Json(object? value, int? indent, int depth, StringBuilder text, Place place)
    {
        switch (value)
        {
            case null: text.Append("null"); break;
            case bool flag: text.Append(flag ? "true" : "false"); break;
            case long or double: text.Append(Literal(value)); break;
            case string s: JsonText(s, text); break;
            case Sequence list: Members('[', ']', list.Items, (item, _) => Json(item, indent, depth + 1, text, place)); break;
            case Map map:
                Members('{', '}', [.. map.Keys], (key, _) =>
                {
                    JsonText((string)key!, text);
                    text.Append(": ");
                    Json(map[(string)key!], indent, depth + 1, text, place);
                });
                break;
            default: throw place.Wrong($"{Operators.Describe(value)} cannot be written as JSON.");
        }

        void Members(char open, char close, IReadOnlyList<object?> items, Action<object?, int> write)
        {
            text.Append(open);
            for (int i = 0; i < items.Count; i++)
            {
                if (i > 0) text.Append(indent is null ? ", " : ",");
                if (indent is { } n) text.Append('\n').Append(' ', n * (depth + 1));
                write(items[i], i);
            }
            if (items.Count > 0 && indent is { } m) text.Append('\n').Append(' ', m * depth);
            text.Append(close);
        }
    }

    private static void JsonText(string value, StringBuilder text)
    {
        text.Append('"');
        foreach (char c in value)
        {
            switch (c)
            {
                case '"' or '\\': text.Append('\\').Append(c); break;
                case '\n': text.Append("\\n"); break;
                case '\r': text.Append("\\r"); break;
                case '\t': text.Append("\\t"); break;
                case '\b': text.Append("\\b"); break;
                case '\f': text.Append("\\f"); break;
                case < ' ': text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"); break;
                default: text.Append(c); break;
            }
        }
        text.Append('"');
    }
}
