using Quarank.Tokenizers;
using Xunit;

namespace Quarank.Tests.Tokenizers;

public class SentencePieceTests
{
    [Theory]
    [InlineData("ab", "▁ab")]
    [InlineData("  ab   cd ", "▁ab|▁|cd")]
    [InlineData("abcd", "▁ab|cd")]
    [InlineData("eabcd", "▁|e|abcd")]
    [InlineData("<s>", "▁|<unk>")]
    [InlineData("eex", "▁|e|ex")]
    [InlineData("ex x", "▁|ex|▁|<unk>")]
    [InlineData("e🦙漢x", "▁|e|<unk>")]
    [InlineData("   ", "")]
    [InlineData("", "")]
    public void Pieces_merge_by_score(string text, string pieces)
    {
        var tokenizer = Load(TinyTokenizers.SentencePiece(TinyTokenizers.SomePieces()));
        string[] expected = pieces.Split('|', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(expected, tokenizer.Encode(text, addSpecialTokens: false).Select(tokenizer.Piece));
        Assert.Equal(1, tokenizer.Encode(text)[0]);
    }

    [Fact]
    public void Spaces_are_kept_where_the_model_asks()
    {
        var tokenizer = Load(TinyTokenizers.SentencePiece(TinyTokenizers.SomePieces(), normalizer: [(3, 0), (4, 0)]));
        int[] ids = tokenizer.Encode(" ab  cd ", addSpecialTokens: false);
        Assert.Equal(["▁ab", "▁", "▁", "cd", "▁"], ids.Select(tokenizer.Piece));
        Assert.Equal(" ab  cd ", tokenizer.Decode(ids));
    }

    [Fact]
    public void Symbols_of_the_user_are_taken_whole()
    {
        var pieces = TinyTokenizers.SomePieces().Append(("b c", 0, 4)).Append(("bc", 0, 4));
        var tokenizer = Load(TinyTokenizers.SentencePiece(pieces, normalizer: [(4, 0)]));
        Assert.Equal(["▁a", "bc", "d"], tokenizer.Encode("abcd", addSpecialTokens: false).Select(tokenizer.Piece));
    }

    [Fact]
    public void Bytes_stand_for_characters_that_are_no_piece()
    {
        var bytes = Enumerable.Range(0, 256).Select(b => ($"<0x{b:X2}>", 0f, 6));
        var tokenizer = Load(TinyTokenizers.SentencePiece(
            [.. TinyTokenizers.SomePieces(), .. bytes], trainer: [(3, 2), (35, 1)], normalizer: [(4, 0)]));
        int[] ids = tokenizer.Encode("ab\n🦙x", addSpecialTokens: false);
        Assert.Equal(["▁ab", "<0x0A>", "<0xF0>", "<0x9F>", "<0xA6>", "<0x99>", "<0x78>"], ids.Select(tokenizer.Piece));
        Assert.Equal("ab\n🦙x", tokenizer.Decode(ids));
        var decoder = tokenizer.StartDecoding();
        Assert.Equal(["ab", "\n", "", "", "", "🦙", "x"], ids.Select(decoder.Append));
        Assert.Equal("\uFFFD\uFFFD ab", tokenizer.Decode([ids[2], ids[3], ids[0]]));
    }

    [Fact]
    public void Unknown_and_special_pieces_are_decoded_to_their_signs()
    {
        var tokenizer = Load(TinyTokenizers.SentencePiece(TinyTokenizers.SomePieces(), trainer: [(3, 2), (44, "?")]));
        Assert.Equal("ab?", tokenizer.Decode([1, 5, 0, 2], skipSpecialTokens: true));
        Assert.Equal((1, 2), (tokenizer.BeginningOfText, tokenizer.EndOfText));
    }

    [Fact]
    public void What_is_not_supported_is_refused_by_name()
    {
        var pieces = TinyTokenizers.SomePieces();
        Refused("unigram", TinyTokenizers.SentencePiece(pieces, trainer: [(3, 1)]));
        Refused("unigram", TinyTokenizers.SentencePiece(pieces, trainer: [(35, 0)]));
        Refused("treat_whitespace_as_suffix", TinyTokenizers.SentencePiece(pieces, trainer: [(3, 2), (24, 1)]));
        Refused("nmt_nfkc", TinyTokenizers.SentencePiece(pieces, normalizer: [(1, "nmt_nfkc"), (2, new byte[] { 1, 2 })]));
        Refused("escape_whitespaces", TinyTokenizers.SentencePiece(pieces, normalizer: [(5, 0)]));
        Refused("unused", TinyTokenizers.SentencePiece([.. pieces, ("q", 0, 5)]));

        static void Refused(string name, byte[] model) =>
            Assert.Contains(name, Assert.Throws<NotSupportedException>(() => Load(model)).Message);
    }

    [Fact]
    public void Models_that_contradict_themselves_are_refused()
    {
        var pieces = TinyTokenizers.SomePieces();
        Refused("once", TinyTokenizers.SentencePiece([.. pieces, ("ab", 0, 1)]));
        Refused("NaN", TinyTokenizers.SentencePiece([.. pieces, ("q", float.NaN, 1)]));
        Refused("several", TinyTokenizers.SentencePiece([.. pieces, ("q", 0, 2)]));
        Refused("none", TinyTokenizers.SentencePiece(pieces[1..]));
        Refused("byte", TinyTokenizers.SentencePiece([.. pieces, ("q", 0, 6)]));
        Refused("type", TinyTokenizers.SentencePiece([.. pieces, ("q", 0, 9)]));
        Refused("no pieces", []);

        static void Refused(string part, byte[] model) =>
            Assert.Contains(part, Assert.Throws<InvalidDataException>(() => Load(model)).Message);
    }

    private static Tokenizer Load(byte[] model) => TinyTokenizers.Load("tokenizer.model", model);
}
