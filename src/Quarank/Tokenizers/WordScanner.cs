namespace Quarank.Tokenizers;

/// <summary>Cuts text into words, one after the other and without gaps.</summary>
internal abstract class WordScanner
{
    /// <summary>The end of the word that begins at <paramref name="start"/>, which is less than the text's length.</summary>
    public abstract int End(ReadOnlySpan<char> text, int start);
}

/// <summary>Numbers (\p{N}) apart from everything else: each alone, or run by run.</summary>
internal sealed class DigitScanner(bool individual) : WordScanner
{
    public override int End(ReadOnlySpan<char> text, int start)
    {
        bool number = CharacterClasses.At(text, start, out int length) == CharacterClass.Number;
        int i = start + length;
        if (number && individual) return i;
        while (i < text.Length && CharacterClasses.At(text, i, out length) == CharacterClass.Number == number) i += length;
        return i;
    }
}

/// <summary>A new word at every ▁.</summary>
internal sealed class MetaspaceScanner(char space) : WordScanner
{
    public override int End(ReadOnlySpan<char> text, int start)
    {
        int next = text[(start + 1)..].IndexOf(space);
        return next < 0 ? text.Length : start + 1 + next;
    }
}

/// <summary>Cuts around every occurrence of a text, which stays a word of its own or goes with the word before it.</summary>
internal sealed class TextScanner(string pattern, bool withPrevious) : WordScanner
{
    public override int End(ReadOnlySpan<char> text, int start)
    {
        int next = text[start..].IndexOf(pattern, StringComparison.Ordinal);
        return next < 0 ? text.Length : withPrevious || next == 0 ? start + next + pattern.Length : start + next;
    }
}
