using Quarank.Numerics;
using Quarank.Numerics.Kernels;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Numerics;

/// <summary>Products of dense matrices of 16-bit floats.</summary>
public class HalfMatrixTests
{
    [Theory, InlineData(false), InlineData(true)]
    public void Rows_equal_their_scalar_twin_bit_for_bit_and_the_sum_of_products(bool bfloat)
    {
        foreach (int n in new[] { 1, 8, 31, 32, 33, 64, 100, 576, 1000 })
        {
            var matrix = Sample(33, n, bfloat, out var weights);
            float[] x = Some.Matrix(1, n).Data.ToArray(), y = new float[33], twin = new float[33];
            matrix.Multiply(x, y);
            matrix.MultiplyScalar(x, twin);
            Assert.Equal(twin, y);
            for (int i = 0; i < 33; i++)
            {
                double[] terms = [.. Enumerable.Range(0, n).Select(j => (double)weights[i * n + j] * x[j])];
                Assert.Equal(terms.Sum(), y[i], 1e-6 * terms.Sum(Math.Abs)); // up to 32 products an accumulator
            }
        }
    }

    [Theory]
    [InlineData(1e-30f), InlineData(65504f), InlineData(1e5f), InlineData(1e30f), InlineData(float.PositiveInfinity), InlineData(float.NaN)]
    public void Halves_equal_their_twin_for_inputs_of_any_size(float value)
    {
        var matrix = Sample(17, 96, false, out _);
        float[] x = Some.Matrix(1, 96).Data.ToArray(), y = new float[17], twin = new float[17];
        x[40] = value;
        matrix.Multiply(x, y);
        matrix.MultiplyScalar(x, twin);
        Assert.Equal(twin, y);
    }

    [Fact]
    public void Subnormal_infinite_and_NaN_weights_are_what_they_are()
    {
        var codes = new ushort[4 * 64];
        (codes[3], codes[64 + 5], codes[128 + 63], codes[192]) = (0x0001, 0x7C00, 0x7E00, 0x83FF);
        float[] x = [.. Enumerable.Repeat(1f, 64)], y = new float[4];
        new HalfMatrix(4, 64, codes, bfloat: false).Multiply(x, y);
        Assert.Equal([MathF.Pow(2, -24), float.PositiveInfinity, float.NaN, -1023 * MathF.Pow(2, -24)], y);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Many_tokens_give_what_each_gives_alone_but_for_the_order_of_sums(bool bfloat)
    {
        var matrix = Sample(70, 100, bfloat, out _);
        Matrix<float> x = Some.Matrix(5, 100), y = new(5, 70);
        matrix.Multiply(x, y);
        var alone = new float[70];
        for (int t = 0; t < 5; t++)
        {
            matrix.Multiply(x.Row(t), alone);
            for (int i = 0; i < 70; i++) Assert.Equal(alone[i], y[t, i], 1e-4);
        }
    }

    private static HalfMatrix Sample(int rows, int n, bool bfloat, out float[] weights)
    {
        var codes = new ushort[rows * n];
        weights = new float[rows * n];
        if (bfloat) SmallFloat.SingleToBFloat16(Some.Matrix(rows, n).Data, codes);
        else SmallFloat.SingleToHalf(Some.Matrix(rows, n).Data, codes);
        if (bfloat) SmallFloat.BFloat16ToSingle(codes, weights);
        else SmallFloat.HalfToSingle(codes, weights);
        return new HalfMatrix(rows, n, codes, bfloat);
    }
}
