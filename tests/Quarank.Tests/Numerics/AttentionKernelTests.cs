using Quarank.Numerics.Kernels;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Numerics;

public class AttentionKernelTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(5, 7)]
    [InlineData(6, 64)]
    [InlineData(13, 300)]
    public void Panel_products_agree_with_the_plain_loop_whatever_the_rows_between(int m, int k)
    {
        float[] a = Some.Matrix(m, k + 3).Data.ToArray(), b = Some.Matrix(k, 20, 2).Data.ToArray();
        foreach (bool add in new[] { false, true })
        {
            float[] expected = Some.Matrix(m, 18, 3).Data.ToArray(), actual = (float[])expected.Clone();
            PanelProduct.MultiplyScalar(m, k, a, k + 3, b, 20, expected, 18, add);
            PanelProduct.Multiply(m, k, a, k + 3, b, 20, actual, 18, add);
            Assert.Equal(expected, actual, (x, y) => Math.Abs(x - y) <= 1e-6f * (k + 1));
        }
    }

    [Fact]
    public void Operands_too_short_for_their_rows_are_refused()
    {
        Assert.Throws<ArgumentException>(() => PanelProduct.Multiply(2, 4, new float[7], 4, new float[64], 16, new float[32], 16, false));
        Assert.Throws<ArgumentException>(() => PanelProduct.Multiply(2, 4, new float[8], 4, new float[63], 16, new float[32], 16, false));
        Assert.Throws<ArgumentException>(() => PanelProduct.Multiply(2, 4, new float[8], 4, new float[64], 16, new float[31], 16, false));
        Assert.Throws<ArgumentException>(() => PanelProduct.Multiply(2, 4, new float[8], 4, new float[64], 15, new float[32], 16, false));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(16)]
    [InlineData(22)]
    public void A_rotation_turns_pairs_and_keeps_their_length(int size)
    {
        float[] x = Some.Matrix(1, size).Data.ToArray(), turned = new float[size];
        float[] cosine = [.. Enumerable.Range(0, size / 2).Select(i => MathF.Cos(i))], sine = [.. Enumerable.Range(0, size / 2).Select(i => MathF.Sin(i))];
        AttentionKernels.Rotate(x, cosine, sine, turned);
        for (int i = 0; i < size / 2; i++)
        {
            var expected = new System.Numerics.Complex(x[i], x[i + size / 2]) * System.Numerics.Complex.FromPolarCoordinates(1, i);
            Assert.Equal(expected.Real, turned[i], 1e-6);
            Assert.Equal(expected.Imaginary, turned[i + size / 2], 1e-6);
        }
    }
}
