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
