using Quarank.Numerics;
using Xunit;

namespace Quarank.Tests.Numerics;

public class BitPackingTests
{
    public static TheoryData<int> Widths => [1, 2, 3, 4, 5, 6, 7, 8];

    [Theory, MemberData(nameof(Widths))]
    public void Unpacking_gives_back_what_was_packed_at_every_length(int bits)
    {
        var random = new Random(bits);
        for (int length = 0; length <= 600; length += length < 70 ? 1 : 37)
        {
            var codes = new byte[length];
            random.NextBytes(codes);
            for (int j = 0; j < length; j++) codes[j] &= (byte)((1 << bits) - 1);
            var packed = new byte[BitPacking.ByteCount(length, bits)];
            BitPacking.Pack(codes, bits, packed);
            var back = new byte[length];
            BitPacking.Unpack(packed, bits, back);
            Assert.Equal(codes, back);
        }
    }

    [Theory, MemberData(nameof(Widths))]
    public void A_row_of_whole_stripes_takes_its_bits_and_no_more(int bits) => Assert.Equal(256 * bits / 8, BitPacking.ByteCount(256, bits));

    [Fact]
    public void A_stripe_holds_neighbouring_codes_at_the_same_shift()
    {
        var codes = new byte[64];
        (codes[0], codes[31], codes[32], codes[63]) = (1, 2, 3, 4);
        var packed = new byte[32];
        BitPacking.Pack(codes, 4, packed);
        Assert.Equal(1 | 3 << 4, packed[0]);
        Assert.Equal(2 | 4 << 4, packed[31]);
    }

    [Fact]
    public void Bytes_that_do_not_fit_the_codes_are_refused() =>
        Assert.Contains("10 codes of 3 bits take 5 bytes, not 4", Assert.Throws<ArgumentException>(() => BitPacking.Pack(new byte[10], 3, new byte[4])).Message, StringComparison.Ordinal);
}
