using Quarank.Numerics.Kernels;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Numerics;

public class GridKernelTests
{
    [Fact]
    public void Dot_agrees_with_its_scalar_twin_at_every_length()
    {
        var x = Some.Matrix(1, 200).Data.ToArray();
        var codes = Codes(200);
        for (int n = 0; n <= 200; n++)
        {
            float scalar = GridKernels.DotScalar(codes.AsSpan(0, n), x.AsSpan(0, n)), fast = GridKernels.Dot(codes.AsSpan(0, n), x.AsSpan(0, n));
            Assert.Equal(scalar, fast, 1e-6f * 255 * Math.Max(1, n)); // n products of up to 255, each rounded once
        }
    }

    [Fact]
    public void Dequantize_equals_its_scalar_twin_bit_for_bit()
    {
        for (int n = 0; n <= 200; n++)
        {
            var codes = Codes(n);
            var (fast, scalar) = (new float[n], new float[n]);
            GridKernels.Dequantize(codes, 0.0371f, -1.3f, fast);
            GridKernels.DequantizeScalar(codes, 0.0371f, -1.3f, scalar);
            Assert.Equal(scalar, fast);
        }
    }

    [Fact]
    public void Codes_that_do_not_cover_the_input_are_refused() =>
        Assert.Contains("16 codes do not cover 64", Assert.Throws<ArgumentException>(() => GridKernels.Dot(new byte[16], new float[64])).Message, StringComparison.Ordinal);

    private static byte[] Codes(int n)
    {
        var codes = new byte[n];
        new Random(3).NextBytes(codes);
        return codes;
    }
}

public class ClipKernelTests
{
    [Theory, InlineData(2e-4f), InlineData(0.03f), InlineData(7f)]
    public void The_fifth_root_by_newton_gives_the_power_of_the_error(float size)
    {
        var w = Some.Matrix(1, 801).Data.ToArray().Select(v => v * size).ToArray();
        w[5] = 0;
        foreach (float scale in (float[])[size / 7, size / 20, size / 150])
        {
            float fast = ClipKernels.PowerError(w, scale, 1 / scale, -7, 8), plain = ClipKernels.PowerErrorScalar(w, scale, 1 / scale, -7, 8);
            Assert.Equal(plain, fast, 2e-6f * plain); // sums of 800 floats in two orders
        }
    }

    [Fact]
    public void Weights_on_the_grid_have_no_error() => Assert.Equal(0, ClipKernels.PowerError([1, 2, 3, -4, 0, 2, 2, 1, 5], 1, 1, -8, 7));
}
