using System.Text.RegularExpressions;
using Quarank.Tokenizers;
using Xunit;

namespace Quarank.Tests.Tokenizers;

/// <summary>The hand-written scanners against the regular expressions they stand for.</summary>
public class WordScannerTests
{
    private static readonly string[] Units =
    [
        "a", "S", "s", "t", "l", "L", "re", "VE", "é", "ſ", "К", "ǅ", "ʰ", "ก", "漢", "ª", "1", "9", "٣", "Ⅷ", "½",
        " ", "  ", "\t", "\n", "\r", "\r\n",
        "\u00A0", "\u2028", "\u3000", "\u0085", "'", "'", "'s", "'ll", "!", "-", "…", "\u0301", "\u200B", "_", "\0", "/", "//",
    ];

    public static TheoryData<string> Patterns =>
        [Gpt2Scanner.Pattern, TiktokenScanner.ThreeDigitsPattern, TiktokenScanner.OneDigitPattern, TekkenScanner.Pattern];

    [Theory]
    [MemberData(nameof(Patterns))]
    public void Words_are_the_matches_of_the_regular_expression(string pattern)
    {
        // .NET's regular expressions know UTF-16 units, no scalars, which is the same thing for these characters, and fold no ſ to s.
        var regex = new Regex(pattern.Replace("(?i:'s", "(?i:'[sſ]"), RegexOptions.CultureInvariant);
        var random = new Random(1);
        for (int trial = 0; trial < 4_000; trial++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => Units[random.Next(Units.Length)]));
            Assert.Equal(regex.Matches(text).Select(m => m.Value), Words(Scanner(pattern), text));
        }
    }

    [Theory]
    [MemberData(nameof(Patterns))]
    public void Supplementary_characters_count_by_their_class(string pattern)
    {
        (string Supplementary, string Basic)[] twins =
            [("𝐚", "x"), ("𝐀", "X"), ("𝟘", "7"), ("😀", "!"), ("𐐷", "y"), (" ", " "), ("\n", "\n"), ("q", "q"), ("'", "'")];
        var random = new Random(2);
        for (int trial = 0; trial < 2_000; trial++)
        {
            int[] picks = [.. Enumerable.Range(0, random.Next(1, 10)).Select(_ => random.Next(twins.Length))];
            var basic = Words(Scanner(pattern), string.Concat(picks.Select(i => twins[i].Basic)));
            var supplementary = Words(Scanner(pattern), string.Concat(picks.Select(i => twins[i].Supplementary)));
            Assert.Equal(basic.Select(w => w.Length), supplementary.Select(w => w.EnumerateRunes().Count()));
        }
    }

    [Fact]
    public void Digits_stand_alone_or_in_runs()
    {
        Assert.Equal(["ab", "1", "2", "½", "c"], Words(new DigitScanner(individual: true), "ab12½c"));
        Assert.Equal(["ab", "12½", "c", "𝟘1"], Words(new DigitScanner(individual: false), "ab12½c𝟘1"));
    }

    private static WordScanner Scanner(string pattern) => pattern == Gpt2Scanner.Pattern ? new Gpt2Scanner()
        : pattern == TekkenScanner.Pattern ? new TekkenScanner()
        : new TiktokenScanner(pattern == TiktokenScanner.ThreeDigitsPattern ? 3 : 1);

    private static List<string> Words(WordScanner scanner, string text)
    {
        List<string> words = [];
        for (int start = 0, end; start < text.Length; start = end)
        {
            end = scanner.End(text, start);
            Assert.InRange(end, start + 1, text.Length);
            words.Add(text[start..end]);
        }
        return words;
    }
}
