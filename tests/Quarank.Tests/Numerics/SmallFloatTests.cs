using Quarank.Numerics;
using Quarank.Numerics.Kernels;
using Xunit;

namespace Quarank.Tests.Numerics;

public sealed class SmallFloatTests
{
    private static readonly ushort[] AllCodes = [.. Enumerable.Range(0, 65536).Select(i => (ushort)i)];

    [Fact]
    public void Every_half_becomes_the_float_it_is_and_comes_back()
    {
        var (values, back) = (new float[65536], new ushort[65536]);
        SmallFloat.HalfToSingle(AllCodes, values);
        SmallFloat.SingleToHalf(values, back);
        for (int i = 0; i < 65536; i++)
        {
            float expected = (float)BitConverter.UInt16BitsToHalf((ushort)i);
            if (float.IsNaN(expected)) Assert.True(float.IsNaN(values[i]) && Half.IsNaN(BitConverter.UInt16BitsToHalf(back[i])), $"{i:X4}");
            else Assert.True(BitConverter.SingleToUInt32Bits(expected) == BitConverter.SingleToUInt32Bits(values[i]) && back[i] == i, $"{i:X4}");
        }
    }

    [Fact]
    public void Halves_round_as_System_Half_does_at_and_beside_every_tie()
    {
        // Between each pair of neighbours: the tie and the floats beside it; the last tie is the one to infinity.
        var values = new List<float> { 0, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, float.Epsilon, 65504, 65519.996f, 65520, 70000 };
        for (int code = 0; code < 0x7C00; code++)
        {
            double low = (double)BitConverter.UInt16BitsToHalf((ushort)code);
            double high = code == 0x7BFF ? 65536 : (double)BitConverter.UInt16BitsToHalf((ushort)(code + 1));
            float tie = (float)((low + high) / 2);
            values.AddRange([tie, MathF.BitDecrement(tie), MathF.BitIncrement(tie), -tie, -MathF.BitIncrement(tie)]);
        }
        var halves = new ushort[values.Count];
        SmallFloat.SingleToHalf(values.ToArray(), halves);
        for (int i = 0; i < halves.Length; i++)
        {
            var (expected, found) = ((Half)values[i], BitConverter.UInt16BitsToHalf(halves[i]));
            Assert.True(Half.IsNaN(expected) ? Half.IsNaN(found) : BitConverter.HalfToUInt16Bits(expected) == halves[i], $"{values[i]:R}: {found}, not {expected}");
        }
    }

    [Fact]
    public void Every_bfloat16_becomes_the_float_it_is_and_comes_back()
    {
        var (values, back) = (new float[65536], new ushort[65536]);
        SmallFloat.BFloat16ToSingle(AllCodes, values);
        SmallFloat.SingleToBFloat16(values, back);
        for (int i = 0; i < 65536; i++)
        {
            Assert.Equal((uint)i << 16, BitConverter.SingleToUInt32Bits(values[i]));
            Assert.Equal(float.IsNaN(values[i]) ? i | 0x40 : i, back[i]);
        }
    }

    [Fact]
    public void BFloat16_rounds_to_the_nearest_and_ties_to_even()
    {
        var values = new List<float>();
        for (uint code = 0; code < 0x7F80; code++)
        {
            float tie = BitConverter.UInt32BitsToSingle((code << 16) | 0x8000);
            values.AddRange([tie, MathF.BitDecrement(tie), MathF.BitIncrement(tie), -tie]);
        }
        var codes = new ushort[values.Count];
        SmallFloat.SingleToBFloat16(values.ToArray(), codes);
        for (int i = 0; i < codes.Length; i += 4)
        {
            int code = i / 4;
            Assert.Equal(code + code % 2, codes[i]);
            Assert.Equal(code, codes[i + 1]);
            Assert.Equal(code + 1, codes[i + 2]);
            Assert.Equal((code + code % 2) | 0x8000, codes[i + 3]);
        }
        Assert.Equal(0x7F80, SmallFloat.SingleToBFloat16(float.MaxValue)); // rounds to infinity
        Assert.Equal(0x7FC0, SmallFloat.SingleToBFloat16(BitConverter.UInt32BitsToSingle(0x7F800001))); // not to infinity
    }

    [Fact]
    public void Every_length_is_converted_to_its_end_and_no_further()
    {
        for (int n = 0; n < 70; n++)
        {
            var codes = Enumerable.Range(0, n).Select(i => (ushort)(0x3C00 + i)).ToArray();
            var values = new float[n + 1];
            values[n] = 7;
            SmallFloat.HalfToSingle(codes, values.AsSpan(0, n));
            Assert.Equal(codes.Select(c => (float)BitConverter.UInt16BitsToHalf(c)).Append(7), values);
            var back = new ushort[n + 1];
            SmallFloat.SingleToHalf(values.AsSpan(0, n), back.AsSpan(0, n));
            Assert.Equal(codes.Append((ushort)0), back);
        }
        Assert.Throws<ArgumentException>(() => SmallFloat.HalfToSingle(new ushort[3], new float[4]));
    }

    [Fact]
    public void Dot_products_agree_with_their_scalar_twins_at_every_length()
    {
        var random = new Random(1);
        for (int n = 0; n < 200; n++)
        {
            var x = Enumerable.Range(0, n).Select(_ => random.NextSingle() - 0.5f).ToArray();
            var w = Enumerable.Range(0, n).Select(_ => random.NextSingle() - 0.5f).ToArray();
            var (half, brain) = (new ushort[n], new ushort[n]);
            SmallFloat.SingleToHalf(w, half);
            SmallFloat.SingleToBFloat16(w, brain);
            if (n > 3) half[n / 2] = 1; // a subnormal
            float tolerance = 1e-7f * (n + 1); // an ulp of 0.25 for every term
            Assert.Equal(HalfKernels.DotScalar(w, x), HalfKernels.Dot(w, x), tolerance);
            Assert.Equal(HalfKernels.DotHalfScalar(half, x), HalfKernels.DotHalf(half, x), tolerance);
            Assert.Equal(HalfKernels.DotBFloat16Scalar(brain, x), HalfKernels.DotBFloat16(brain, x), tolerance);
        }
        Assert.Throws<ArgumentException>(() => HalfKernels.DotHalf(new ushort[3], new float[4]));
    }

    [Theory, InlineData(0x7C00, float.PositiveInfinity), InlineData(0xFC00, float.NegativeInfinity), InlineData(0x7E01, float.NaN)]
    public void A_row_that_is_not_finite_gives_no_finite_dot_product(int code, float expected)
    {
        var (row, x) = (new ushort[100], new float[100]);
        x.AsSpan().Fill(1);
        row[17] = (ushort)code;
        Assert.Equal(expected, HalfKernels.DotHalf(row, x));
    }
}
