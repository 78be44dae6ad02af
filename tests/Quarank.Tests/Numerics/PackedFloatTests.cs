using Quarank.Numerics;
using Quarank.Numerics.Kernels;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Numerics;

/// <summary>Products of packed matrices with inputs in floats, of one token and of many.</summary>
public class PackedFloatTests
{
    private static readonly int[] Widths = [1, 7, 8, 31, 33, 63, 64, 65, 100, 127, 128, 129, 190, 255, 256, 300, 384, 511, 576, 640, 1000, 1536];

    public static TheoryData<int, int> Grids => PackedMatrixTests.Grids;

    [Theory, MemberData(nameof(Grids))]
    public void Rows_equal_their_scalar_twin_bit_for_bit_and_the_weights_times_the_input(int bits, int group)
    {
        foreach (int n in Widths)
        {
            foreach (var offset in Enum.GetValues<PackedOffset>())
            {
                var matrix = PackedMatrixTests.Sample(4, n, bits, group, offset, out var weights);
                float[] x = Some.Matrix(1, n).Data.ToArray(), y = new float[4], twin = new float[4];
                matrix.MultiplyFloat(x, y);
                matrix.MultiplyFloatScalar(x, twin);
                Assert.Equal(twin, y);
                for (int i = 0; i < 4; i++)
                {
                    double expected = Enumerable.Range(0, n).Sum(j => weights[i, j] * x[j]), size = (1 << bits) * x.Sum(v => (double)Math.Abs(v));
                    Assert.Equal(expected, y[i], 5e-7 * size); // blocks of 128 columns, four products an accumulator; codes and offsets may cancel
                }
            }
        }
    }

    [Theory, InlineData(2), InlineData(3), InlineData(4), InlineData(8)]
    public void A_grid_by_columns_equals_its_twin_and_its_weights_times_the_input(int bits)
    {
        foreach (int n in Widths)
        {
            var matrix = PackedMatrixTests.ColumnSample(20, n, bits, out var weights);
            float[] x = Some.Matrix(1, n).Data.ToArray(), y = new float[20], twin = new float[20];
            matrix.MultiplyFloat(x, y);
            matrix.MultiplyFloatScalar(x, twin);
            Assert.Equal(twin, y);
            for (int i = 0; i < 20; i++)
            {
                double expected = Enumerable.Range(0, n).Sum(j => weights[i, j] * x[j]);
                Assert.Equal(expected, y[i], 5e-7 * (1 << bits) * x.Sum(v => (double)Math.Abs(v)));
            }
        }
    }

    [Theory, MemberData(nameof(Grids))]
    public void Inputs_in_bytes_come_within_one_percent_of_floats_on_Gaussian_vectors(int bits, int group)
    {
        foreach (int n in new[] { 576, 1536, 2048 })
        {
            var matrix = PackedMatrixTests.Sample(64, n, bits, group, PackedOffset.Middle, out _);
            float[] x = Some.Matrix(1, n).Data.ToArray(), bytes = new float[64], floats = new float[64];
            matrix.Multiply(x, bytes);
            matrix.MultiplyFloat(x, floats);
            double error = Math.Sqrt(bytes.Zip(floats, (a, b) => Math.Pow(a - b, 2)).Sum() / floats.Sum(v => (double)v * v));
            Assert.InRange(error, 1e-5, 0.01);
        }
    }

    [Theory, MemberData(nameof(Grids))]
    public void Many_tokens_give_what_each_gives_alone_but_for_the_order_of_sums(int bits, int group)
    {
        foreach (var (rows, n, tokens) in new[] { (40, 33, 3), (100, 100, 4), (300, 576, 17) })
        {
            var matrix = PackedMatrixTests.Sample(rows, n, bits, group, PackedOffset.ZeroPoint, out _);
            Matrix<float> x = Some.Matrix(tokens, n), y = new(tokens, rows);
            matrix.Multiply(x, y);
            float[] alone = new float[rows];
            for (int t = 0; t < tokens; t++)
            {
                matrix.MultiplyFloat(x.Row(t), alone);
                double size = (1 << bits) * x.Row(t).ToArray().Sum(v => (double)Math.Abs(v));
                for (int i = 0; i < rows; i++) Assert.Equal(alone[i], y[t, i], 1e-6 * size);
            }
        }
    }

    [Fact]
    public void Rows_as_floats_are_the_weights()
    {
        foreach (int bits in new[] { 2, 3, 4, 8 })
        {
            foreach (var offset in Enum.GetValues<PackedOffset>())
            {
                var matrix = PackedMatrixTests.Sample(9, 300, bits, 128, offset, out var weights);
                var rows = new float[7 * 300];
                matrix.DecodeRows(2, 7, rows);
                for (int i = 0; i < 7; i++)
                    for (int j = 0; j < 300; j++) Assert.Equal(weights[2 + i, j], rows[i * 300 + j], 1e-6 * (1 << bits));
            }
        }
    }

    [Fact]
    public void Products_of_one_token_allocate_nothing()
    {
        var grid = PackedMatrixTests.Sample(300, 576, 4, 128, PackedOffset.ZeroPoint, out _);
        var columns = PackedMatrixTests.ColumnSample(300, 576, 3, out _);
        var halves = new HalfMatrix(300, 576, new ushort[300 * 576], bfloat: false);
        float[] x = Some.Matrix(1, 576).Data.ToArray(), y = new float[300];
        for (int i = 0; i < 3; i++) All();
        Assert.Equal(0, Allocations.Least(_ =>
        {
            All();
            All();
        }));

        void All()
        {
            grid.Multiply(x, y);
            grid.MultiplyFloat(x, y);
            columns.Multiply(x, y);
            columns.MultiplyFloat(x, y);
            halves.Multiply(x, y);
        }
    }
}
