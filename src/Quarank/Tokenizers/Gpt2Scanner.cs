namespace Quarank.Tokenizers;

/// <summary>
/// GPT-2's words (Radford et al. 2019): contractions, and letters, numbers or signs with a space before, and white space.
/// </summary>
internal sealed class Gpt2Scanner : WordScanner
{
    /// <summary>What this scanner does, as a regular expression.</summary>
    public const string Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    public override int End(ReadOnlySpan<char> text, int start)
    {
        if (text[start] == '\'' && Contraction(text[(start + 1)..]) is > 0 and var letters) return start + 1 + letters;

        int i = text[start] == ' ' && start + 1 < text.Length ? start + 1 : start;
        var kind = CharacterClasses.At(text, i, out int length);
        if (kind == CharacterClass.Other) return CharacterClasses.RunOfOther(text, i + length);
        if ((kind & CharacterClass.Space) == 0) return CharacterClasses.RunOf(kind, text, i + length);
        return SpacesBeforeText(text, start);
    }

    /// <summary>
    /// \s+(?!\S)|\s+: a run of white space, whose last character goes with the text after it unless it is the only one.
    /// </summary>
    public static int SpacesBeforeText(ReadOnlySpan<char> text, int start)
    {
        int end = CharacterClasses.RunOf(CharacterClass.Space, text, start);
        return end == text.Length || end == start + 1 ? end : end - 1;
    }

    private static int Contraction(ReadOnlySpan<char> rest) => rest switch
    {
        ['s' or 't' or 'm' or 'd', ..] => 1,
        ['r' or 'v', 'e', ..] or ['l', 'l', ..] => 2,
        _ => 0,
    };
}
