using Quarank.Numerics;
using Quarank.Numerics.Kernels;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Numerics;

/// <summary>One-token products of packed matrices, with the input in bytes.</summary>
public class PackedMatrixTests
{
    private static readonly int[] Bits = [2, 3, 4, 8], GroupSizes = [0, 32, 64, 128, 256];

    public static TheoryData<int, int> Grids => [.. from bits in Bits from size in GroupSizes select (bits, size)];

    private static readonly int[] Widths = [.. Enumerable.Range(1, 70), 96, 127, 128, 129, 160, 191, 192, 255, 256, 257, 300, 384, 385, 416, 511, 512, 576, 640, 700, 1000];

    [Theory, MemberData(nameof(Grids))]
    public void Rows_equal_their_scalar_twin_bit_for_bit_at_every_width(int bits, int group)
    {
        var input = new ByteInput();
        foreach (int n in Widths)
        {
            var (layout, packed, scales) = Row(bits, group == 0 ? n : group, n, out _);
            input.Fill(Some.Matrix(1, n).Data, layout);
            Assert.Equal(PackedDotScalar.Of(packed, scales, input, layout), PackedDot.Of(packed, scales, input, layout));
        }
    }

    [Theory, MemberData(nameof(Grids))]
    public void The_sum_is_that_of_codes_scales_and_rounded_inputs(int bits, int group)
    {
        var input = new ByteInput();
        foreach (int n in Widths)
        {
            var (layout, packed, scales) = Row(bits, group == 0 ? n : group, n, out var codes);
            input.Fill(Some.Matrix(1, n).Data, layout);
            var (expected, size) = (0.0, 0.0);
            for (int j = 0; j < n; j++)
            {
                double term = (double)scales[j / layout.GroupSize] * codes[j] * input.Value(j);
                (expected, size) = (expected + term, size + Math.Abs(term));
            }
            Assert.Equal(expected, PackedDot.Of(packed, scales, input, layout), 1e-6 * size); // exact integers, a float sum per block
        }
    }

    [Fact]
    public void An_input_is_rounded_to_half_a_step_of_its_block_and_stays_what_it_is_at_the_ends()
    {
        var x = Some.Matrix(1, 300).Data.ToArray();
        x[17] = 40;
        x.AsSpan(128, 128).Clear();
        var input = new ByteInput();
        input.Fill(x, new PackedLayout(300, 4, 64));
        Assert.Equal(40, input.Value(17), 1e-5f);
        for (int j = 0; j < 300; j++)
        {
            float most = x.AsSpan(j / 128 * 128, Math.Min(128, 300 - j / 128 * 128)).ToArray().Max(Math.Abs);
            Assert.Equal(x[j], input.Value(j), 0.501 * most / 127);
        }
        for (int g = 0; g < 5; g++)
            Assert.Equal(Enumerable.Range(g * 64, Math.Min(64, 300 - g * 64)).Sum(j => (double)input.Value(j)), input.GroupSum(g), 1e-4);
    }

    [Theory, InlineData(float.NaN), InlineData(float.PositiveInfinity)]
    public void An_input_that_is_not_finite_gives_no_finite_sum(float bad)
    {
        var x = Some.Matrix(1, 256).Data.ToArray();
        x[200] = bad;
        var (layout, packed, scales) = Row(4, 256, 256, out _);
        var y = new float[1];
        new PackedMatrix(1, 256, 4, 256, packed.AsSpan(0, layout.BytesPerRow), scales, false, PackedOffset.Middle, [], []).Multiply(x, y);
        Assert.True(float.IsNaN(y[0]), $"{y[0]}");
    }

    internal static (PackedLayout Layout, byte[] Packed, float[] Scales) Row(int bits, int group, int n, out byte[] codes)
    {
        var random = new Random(n + bits);
        var layout = new PackedLayout(n, bits, group);
        codes = [.. Enumerable.Range(0, n).Select(_ => (byte)random.Next(1 << bits))];
        var packed = new byte[layout.BytesPerRow + 32];
        random.NextBytes(packed); // what lies behind a row must not matter
        BitPacking.Pack(codes, bits, packed.AsSpan(0, layout.BytesPerRow));
        return (layout, packed, [.. Enumerable.Range(0, layout.Groups).Select(_ => random.NextSingle() + 0.1f)]);
    }
}
