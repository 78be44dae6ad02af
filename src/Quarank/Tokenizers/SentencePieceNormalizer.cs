using System.Text;

namespace Quarank.Tokenizers;

/// <summary>
/// What SentencePiece does to text before cutting it: spaces become ▁, one is put in front, and, if asked, runs of spaces
/// become one and those at the ends go. Symbols defined by the user keep their spaces.
/// </summary>
internal sealed class SentencePieceNormalizer(AddedTokenMatcher userDefined, bool addPrefix, bool removeExtra)
{
    private const char Space = '▁';

    public string Apply(string text)
    {
        if (!removeExtra) return text.Length == 0 ? text : (addPrefix ? Space + text : text).Replace(' ', Space);

        text = text.TrimStart(' ');
        if (text.Length == 0) return text;
        var result = new StringBuilder(text.Length + 1);
        if (addPrefix) result.Append(Space);
        bool afterSpace = true;
        foreach (var (token, range) in userDefined.Split(text))
        {
            var part = text.AsSpan(range);
            if (token is not null) Append(part);
            else
                for (int i = 0; i < part.Length; i++) Append(part.Slice(i, 1));
        }
        while (result.Length > 0 && result[^1] == Space) result.Length--;
        return result.ToString();

        void Append(ReadOnlySpan<char> unit)
        {
            if (afterSpace) unit = unit.TrimStart(' ');
            foreach (char c in unit) result.Append(c == ' ' ? Space : c);
            if (unit.Length > 0) afterSpace = unit[^1] == ' ';
        }
    }
}
