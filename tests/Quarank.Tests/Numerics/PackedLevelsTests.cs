using Quarank.Numerics;
using Quarank.Numerics.Kernels;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Numerics;

/// <summary>Products of packed codes that stand for levels of a table.</summary>
public class PackedLevelsTests
{
    private static readonly int[] Bits = [1, 2, 3, 4], GroupSizes = [0, 32, 64, 128, 256];
    private static readonly int[] Widths = [1, 7, 31, 33, 64, 65, 100, 128, 129, 200, 256, 300, 384, 511, 576, 640, 1000, 1536];

    public static TheoryData<int, int> Tables => [.. from bits in Bits from size in GroupSizes select (bits, size)];

    [Theory, MemberData(nameof(Tables))]
    public void Bytes_and_floats_equal_their_scalar_twins_bit_for_bit_and_the_sums_of_levels(int bits, int group)
    {
        foreach (int n in Widths)
        {
            var matrix = Sample(4, n, bits, group, out var weights);
            float[] x = Some.Matrix(1, n).Data.ToArray(), rounded = new float[n], y = new float[4], twin = new float[4], exact = new float[4];
            matrix.Multiply(x, y);
            matrix.MultiplyScalar(x, twin);
            Assert.Equal(twin, y);
            matrix.MultiplyFloat(x, exact);
            matrix.MultiplyFloatScalar(x, twin);
            Assert.Equal(twin, exact);
            matrix.Round(x, rounded);
            double size = 4 * x.Sum(v => (double)Math.Abs(v));
            for (int i = 0; i < 4; i++)
            {
                Assert.Equal(Enumerable.Range(0, n).Sum(j => weights[i, j] * x[j]), exact[i], 1e-6 * size);
                // A level is off by half a step of 1/2047 of the largest.
                Assert.Equal(Enumerable.Range(0, n).Sum(j => weights[i, j] * rounded[j]), y[i], size / 4094);
            }
        }
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4)]
    public void A_codebook_by_columns_equals_its_twins(int bits)
    {
        foreach (int n in Widths)
        {
            var (codes, values) = PackedMatrixTests.Codes(20, n, bits, new Random(n));
            float[] scales = [.. Enumerable.Range(0, n).Select(j => j % 5 == 2 ? 0 : 0.5f + j % 3)];
            var matrix = PackedMatrix.OfLevels(20, n, bits, codes, scales, Levels(bits));
            float[] x = Some.Matrix(1, n).Data.ToArray(), y = new float[20], twin = new float[20], exact = new float[20];
            matrix.Multiply(x, y);
            matrix.MultiplyScalar(x, twin);
            Assert.Equal(twin, y);
            matrix.MultiplyFloat(x, exact);
            matrix.MultiplyFloatScalar(x, twin);
            Assert.Equal(twin, exact);
            for (int i = 0; i < 20; i++)
            {
                double expected = Enumerable.Range(0, n).Sum(j => (double)scales[j] * Levels(bits)[values[i][j]] * x[j]);
                Assert.Equal(expected, exact[i], 1e-5 * (1 + x.Sum(v => (double)Math.Abs(v))));
                Assert.Equal(expected, y[i], 4.0 / 127 * (1 + x.Sum(v => (double)Math.Abs(v))));
            }
        }
    }

    [Fact]
    public void Bytes_come_within_one_percent_of_floats_on_Gaussian_vectors()
    {
        foreach (int bits in Bits)
        {
            var matrix = Sample(64, 2048, bits, 128, out _);
            float[] x = Some.Matrix(1, 2048).Data.ToArray(), bytes = new float[64], floats = new float[64];
            matrix.Multiply(x, bytes);
            matrix.MultiplyFloat(x, floats);
            Assert.InRange(Math.Sqrt(bytes.Zip(floats, (a, b) => Math.Pow(a - b, 2)).Sum() / floats.Sum(v => (double)v * v)), 1e-5, 0.01);
        }
    }

    [Fact]
    public void Rows_as_floats_are_scaled_levels()
    {
        var matrix = Sample(9, 300, 4, 64, out var weights);
        var rows = new float[9 * 300];
        matrix.DecodeRows(0, 9, rows);
        for (int i = 0; i < 9; i++)
            for (int j = 0; j < 300; j++) Assert.Equal(weights[i, j], rows[i * 300 + j], 1e-6);
    }

    [Fact]
    public void A_table_must_have_a_level_for_every_code()
    {
        Assert.Throws<ArgumentException>(() => PackedMatrix.OfLevels(1, 8, 2, 8, new byte[2], [1f], false, [0, 1]));
        Assert.Throws<ArgumentException>(() => PackedMatrix.OfLevels(1, 8, 1, 8, new byte[1], [1f], false, [0, float.NaN]));
    }

    private static float[] Levels(int bits) => [.. Enumerable.Range(0, 1 << bits).Select(i => MathF.Tan((i + 0.7f) / (1 << bits) * 2 - 1.1f))];

    private static PackedMatrix Sample(int rows, int n, int bits, int group, out double[,] weights)
    {
        var random = new Random(n + bits);
        if (group == 0) group = n;
        var layout = new PackedLayout(n, bits, group);
        var (codes, values) = PackedMatrixTests.Codes(rows, n, bits, random);
        float[] scales = [.. Enumerable.Range(0, rows * layout.Groups).Select(g => g == 1 ? 0 : (float)(Half)(random.NextSingle() + 0.1f))], levels = Levels(bits);
        weights = new double[rows, n];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < n; j++) weights[i, j] = (double)scales[i * layout.Groups + j / layout.GroupSize] * levels[values[i][j]];
        return PackedMatrix.OfLevels(rows, n, bits, group, codes, scales, n % 2 == 0, levels);
    }
}
