using System.Buffers;
using System.Globalization;
using System.Text;

namespace Quarank.Tokenizers;

/// <summary>What the patterns of pre-tokenizers tell apart.</summary>
[Flags]
internal enum CharacterClass : byte
{
    Other = 0,

    /// <summary>\p{L}</summary>
    Letter = 1,

    /// <summary>\p{N}</summary>
    Number = 2,

    /// <summary>\s, Unicode's White_Space.</summary>
    Space = 4,

    /// <summary>\r or \n, which are spaces too.</summary>
    LineBreak = 8,
}

/// <summary>
/// Classes of Unicode scalars within UTF-16 text, by one look into a table for all but supplementary characters.
/// </summary>
internal static class CharacterClasses
{
    private static readonly CharacterClass[] Basic = new CharacterClass[char.MaxValue + 1];

    static CharacterClasses()
    {
        for (int c = 0; c <= char.MaxValue; c++)
            Basic[c] = (c is '\r' or '\n' ? CharacterClass.LineBreak : 0)
                | (char.IsWhiteSpace((char)c) ? CharacterClass.Space : Of(CharUnicodeInfo.GetUnicodeCategory((char)c)));
    }

    /// <summary>The class of the scalar at <paramref name="index"/> and how many UTF-16 units it has.</summary>
    public static CharacterClass At(ReadOnlySpan<char> text, int index, out int length)
    {
        char c = text[index];
        length = 1;
        if (!char.IsHighSurrogate(c)) return Basic[c];
        var status = Rune.DecodeFromUtf16(text[index..], out var rune, out length);
        return status != OperationStatus.Done ? CharacterClass.Other : Of(CharUnicodeInfo.GetUnicodeCategory(rune.Value));
    }

    /// <summary>
    /// The end of the longest run from <paramref name="start"/> of scalars that have one of the classes wanted.
    /// </summary>
    public static int RunOf(CharacterClass wanted, ReadOnlySpan<char> text, int start, int most = int.MaxValue)
    {
        int i = start;
        for (; i < text.Length && most > 0 && (At(text, i, out int length) & wanted) != 0; i += length) most--;
        return i;
    }

    /// <summary>The end of the longest run of scalars that are no letter, number or space: [^\s\p{L}\p{N}]*.</summary>
    public static int RunOfOther(ReadOnlySpan<char> text, int start)
    {
        int i = start;
        for (; i < text.Length && At(text, i, out int length) == CharacterClass.Other; i += length) { }
        return i;
    }

    /// <summary>\w: letters, marks, decimal and letter numbers, connectors, joiners.</summary>
    public static bool IsWord(Rune rune) => rune.Value is 0x200C or 0x200D || Rune.GetUnicodeCategory(rune) is
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
        or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark
        or UnicodeCategory.EnclosingMark or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber
        or UnicodeCategory.ConnectorPunctuation;

    private static CharacterClass Of(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => CharacterClass.Letter,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber
            or UnicodeCategory.OtherNumber => CharacterClass.Number,
        _ => CharacterClass.Other,
    };
}
