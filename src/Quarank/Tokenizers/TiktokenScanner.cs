namespace Quarank.Tokenizers;

/// <summary>
/// The words of tiktoken's cl100k pattern, as Llama 3 (numbers of up to three digits) and Qwen (single digits) use it.
/// </summary>
internal sealed class TiktokenScanner(int digits) : WordScanner
{
    /// <summary>What this scanner does with three digits, as a regular expression.</summary>
    public const string ThreeDigitsPattern = Before + @"\p{N}{1,3}" + After;

    /// <summary>What this scanner does with one digit, as a regular expression.</summary>
    public const string OneDigitPattern = Before + @"\p{N}" + After;

    private const string Before = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|";
    private const string After = @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    public override int End(ReadOnlySpan<char> text, int start)
    {
        char c = text[start];
        if (c == '\'' && Contraction(text[(start + 1)..]) is > 0 and var letters) return start + 1 + letters;

        var kind = CharacterClasses.At(text, start, out int length);
        int i = start + length;
        if (kind == CharacterClass.Letter) return CharacterClasses.RunOf(CharacterClass.Letter, text, i);
        if (kind == CharacterClass.Number) return CharacterClasses.RunOf(CharacterClass.Number, text, i, digits - 1);

        var second = i < text.Length ? CharacterClasses.At(text, i, out _) : CharacterClass.Space;
        if ((kind & CharacterClass.LineBreak) == 0 && second == CharacterClass.Letter)
            return CharacterClasses.RunOf(CharacterClass.Letter, text, i);
        if (kind == CharacterClass.Other || c == ' ' && second == CharacterClass.Other)
            return CharacterClasses.RunOf(CharacterClass.LineBreak, text, CharacterClasses.RunOfOther(text, i));

        // \s*[\r\n]+ takes the run of white space up to its last line break.
        int end = CharacterClasses.RunOf(CharacterClass.Space, text, start);
        int lineBreak = text[start..end].LastIndexOfAny('\r', '\n');
        return lineBreak >= 0 ? start + lineBreak + 1 : Gpt2Scanner.SpacesBeforeText(text, start);
    }

    // Unicode's case folding takes the long s (U+017F) for an s.
    private static int Contraction(ReadOnlySpan<char> rest) => rest switch
    {
        ['s' or 'S' or 'ſ' or 't' or 'T' or 'm' or 'M' or 'd' or 'D', ..] => 1,
        ['r' or 'R' or 'v' or 'V', 'e' or 'E', ..] or ['l' or 'L', 'l' or 'L', ..] => 2,
        _ => 0,
    };
}
