using Quarank.Tokenizers;
using Xunit;

namespace Quarank.Tests.Tokenizers;

public class CanonicalCompositionTests
{
    [Theory]
    [InlineData("e\u0301", "é")]
    [InlineData("plain", "plain")]
    [InlineData("\u212B", "Å")]
    [InlineData("\u0958", "\u0915\u093C")]
    [InlineData("a\u0301\u0323", "\u1EA1\u0301")]
    [InlineData("s\u0307\u0323", "\u1E69")]
    [InlineData("a\u0300\u0301", "à\u0301")]
    [InlineData("\u1100\u1161", "가")]
    [InlineData("\u1100\u1161\u11A8", "각")]
    [InlineData("가\u11A8", "각")]
    [InlineData("\u1100a\u1161", "\u1100a\u1161")]
    [InlineData("\u0301e", "\u0301e")]
    [InlineData("\u0344", "\u0308\u0301")]
    [InlineData("\U0001D15E", "\U0001D157\U0001D165")]
    [InlineData("\U00011099\U000110BA", "\U0001109A")]
    [InlineData("\u0B47\u0B3E", "\u0B4B")]
    public void Known_texts_have_their_composed_form(string text, string composed) =>
        Assert.Equal(composed, CanonicalComposition.Apply(text));

    [Fact]
    public void Composing_twice_is_composing_once_and_joins_what_was_taken_apart()
    {
        string[] units = ["a", "e", "\u0301", "\u0323", "\u0327", "\u0345", "é", "\u1EA1", "\u1100", "\u1161", "\u11A8", "각",
            "\u0958", "か", "\u3099", "𝅘𝅥"];
        var random = new Random(3);
        for (int trial = 0; trial < 3_000; trial++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 9)).Select(_ => units[random.Next(units.Length)]));
            string once = CanonicalComposition.Apply(text);
            Assert.Equal(once, CanonicalComposition.Apply(once));
            Assert.Equal(once, CanonicalComposition.Apply(TakenApart(once)));
        }
    }

    private static string TakenApart(string text) => string.Concat(text.EnumerateRunes().Select(rune =>
        CanonicalForms.Unicode.Decomposition(rune.Value) is { } parts
            ? string.Concat(parts.Select(char.ConvertFromUtf32))
            : rune.ToString()));
}
