using System.Buffers;
using System.Globalization;
using System.Text;

namespace Quarank.Tokenizers;

/// <summary>
/// The words of Mistral's Tekken tokenizers: as tiktoken's cl100k, but a word of letters ends where a lower-case letter meets a capital,
/// there are no contractions, numbers go digit by digit, and slashes follow signs.
/// </summary>
internal sealed class TekkenScanner : WordScanner
{
    /// <summary>What this scanner does, as a regular expression.</summary>
    public const string Pattern =
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
        + @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"
        + @"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    // Modifier and other letters and marks are of both cases.
    [Flags]
    private enum Case
    {
        Neither = 0,
        Upper = 1,
        Lower = 2,
    }

    public override int End(ReadOnlySpan<char> text, int start)
    {
        var kind = CharacterClasses.At(text, start, out int length);
        int i = start + length;
        // One sign or space may stand before the letters.
        bool leads = (kind & (CharacterClass.LineBreak | CharacterClass.Letter | CharacterClass.Number)) == 0;
        if (leads && EndInLower(text, i) is > 0 and var led) return led;
        if (EndInLower(text, start) is > 0 and var bare) return bare;
        if (leads && Run(Case.Upper, text, i) is var upper && upper > i) return Run(Case.Lower, text, upper);
        if (Run(Case.Upper, text, start) is var capitals && capitals > start) return Run(Case.Lower, text, capitals);
        if (kind == CharacterClass.Number) return i;

        var second = i < text.Length ? CharacterClasses.At(text, i, out _) : CharacterClass.Space;
        if (kind == CharacterClass.Other || text[start] == ' ' && second == CharacterClass.Other)
        {
            i = CharacterClasses.RunOfOther(text, i);
            while (i < text.Length && text[i] is '\r' or '\n' or '/') i++;
            return i;
        }
        int end = CharacterClasses.RunOf(CharacterClass.Space, text, start);
        int lineBreak = text[start..end].LastIndexOfAny('\r', '\n');
        return lineBreak >= 0 ? start + lineBreak + 1 : Gpt2Scanner.SpacesBeforeText(text, start);
    }

    // Capitals*, then at least one of lower case, which may be the last of the capitals' run that counts as such; 0 when there is none.
    private static int EndInLower(ReadOnlySpan<char> text, int start)
    {
        int upper = Run(Case.Upper, text, start), lower = Run(Case.Lower, text, upper);
        if (lower > upper) return lower;
        int end = 0;
        for (int i = start; i < upper;)
        {
            bool both = (At(text, i, out int length) & Case.Lower) != 0;
            i += length;
            if (both) end = i;
        }
        return end;
    }

    private static int Run(Case wanted, ReadOnlySpan<char> text, int start)
    {
        int i = start;
        while (i < text.Length && (At(text, i, out int length) & wanted) != 0) i += length;
        return i;
    }

    private static Case At(ReadOnlySpan<char> text, int index, out int length) =>
        Rune.DecodeFromUtf16(text[index..], out var rune, out length) != OperationStatus.Done ? Case.Neither
        : Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter => Case.Upper,
            UnicodeCategory.LowercaseLetter => Case.Lower,
            UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter or UnicodeCategory.NonSpacingMark
                or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => Case.Upper | Case.Lower,
            _ => Case.Neither,
        };
}
