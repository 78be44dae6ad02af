using System.Globalization;
using System.Text;

namespace Quarank.Tokenizers.Jinja;

/// <summary>Reads one token inside a tag.</summary>
internal static class TokenReader
{
    // Longer ones first.
    private static readonly string[] Operators =
        ["//", "**", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", ".", ",", ":", "|", "(", ")", "[", "]", "{", "}"];

    /// <param name="next">Where the source goes on after the token.</param>
    public static Token Read(string source, int at, Place place, out int next)
    {
        char c = source[at];
        next = at;
        if (c is '"' or '\'') return new(TokenKind.String, ReadString(source, ref next, place), place);
        if (char.IsAsciiDigit(c))
        {
            while (next < source.Length && (char.IsAsciiDigit(source[next]) || source[next] == '_')) next++;
            if (next + 1 < source.Length && source[next] == '.' && char.IsAsciiDigit(source[next + 1]))
                for (next++; next < source.Length && char.IsAsciiDigit(source[next]);) next++;
            return new(TokenKind.Number, source[at..next].Replace("_", ""), place);
        }
        if (char.IsLetter(c) || c == '_')
        {
            while (next < source.Length && (char.IsLetterOrDigit(source[next]) || source[next] == '_')) next++;
            return new(TokenKind.Name, source[at..next], place);
        }
        foreach (string op in Operators)
        {
            if (string.CompareOrdinal(source, at, op, 0, op.Length) != 0) continue;
            next += op.Length;
            return new(TokenKind.Operator, op, place);
        }
        throw place.Wrong($"'{c}' has no meaning in a tag.");
    }

    private static string ReadString(string source, ref int at, Place place)
    {
        char quote = source[at++];
        var text = new StringBuilder();
        while (at < source.Length)
        {
            char c = source[at++];
            if (c == quote) return text.ToString();
            if (c != '\\' || at >= source.Length)
            {
                text.Append(c);
                continue;
            }
            char escaped = source[at++];
            switch (escaped)
            {
                case 'n': text.Append('\n'); break;
                case 't': text.Append('\t'); break;
                case 'r': text.Append('\r'); break;
                case '\\' or '\'' or '"': text.Append(escaped); break;
                case '\n': break;
                case 'x': text.Append(Code(source, ref at, 2, place)); break;
                case 'u': text.Append(Code(source, ref at, 4, place)); break;
                case 'a' or 'b' or 'f' or 'v' or 'N' or 'U' or >= '0' and <= '7':
                    throw place.Unsupported($"the escape \\{escaped}", ["\\n", "\\t", "\\r", "\\\\", "\\'", "\\\"", "\\x", "\\u"]);
                default: text.Append('\\').Append(escaped); break; // as Python keeps it
            }
        }
        throw place.Wrong("a string begins here and never ends.");
    }

    private static char Code(string source, ref int at, int digits, Place place)
    {
        if (at + digits > source.Length || !ushort.TryParse(source.AsSpan(at, digits), NumberStyles.AllowHexSpecifier,
            CultureInfo.InvariantCulture, out ushort code))
            throw place.Wrong($"an escape in a string has no {digits} hexadecimal digits.");
        at += digits;
        return (char)code;
    }
}
