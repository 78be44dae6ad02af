using Quarank.Numerics;
using Quarank.Numerics.Kernels;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Numerics;

/// <summary>Integer products: W4A4, W4A8, W8A8 against plain loops, against exact integers and against the arithmetic they stand for.</summary>
public class IntegerMatrixTests
{
    private static readonly int[] Widths = [1, 5, 31, 32, 33, 63, 64, 65, 96, 100, 128, 160, 200, 257, 320, 576];

    public static TheoryData<int, int, int> Kinds =>
        [.. from weights in (int[])[4, 8] from size in (int[])[0, 32, 64, 96, 128] from bits in (int[])[4, 8] select (weights, size, bits)];

    [Theory, MemberData(nameof(Kinds))]
    public void One_token_many_tokens_and_plain_loops_give_the_same_bits_at_every_width(int weights, int size, int bits)
    {
        foreach (int n in Widths)
        {
            foreach (var grid in (InputGrid[])[new(bits), new(bits, 64), new(bits, 32, Symmetric: false)])
            {
                foreach (bool zeros in (bool[])[false, true])
                {
                    var matrix = Sample(37, n, weights, size, zeros, out _);
                    var input = InputRounder.Dynamic(grid, 0.9f);
                    var x = Some.Matrix(8, n);
                    var (many, one, twin) = (new Matrix<float>(8, 37), new float[37], new float[37]);
                    matrix.Multiply(input, x, many);
                    for (int t = 0; t < x.Rows; t++)
                    {
                        matrix.Multiply(input, x.Row(t), one);
                        matrix.MultiplyScalar(input, x.Row(t), twin);
                        Assert.Equal(twin, one);
                        Assert.Equal(twin, many.Row(t).ToArray());
                    }
                }
            }
        }
    }

    [Theory, InlineData(4, 4), InlineData(4, 8), InlineData(8, 8)]
    public void Sums_of_the_most_extreme_codes_are_exact(int weights, int bits)
    {
        // Scales of 1 on both sides, so that results are the integers themselves; all signs as unkind as they can be.
        foreach (int n in (int[])[64, 96, 512, 576])
        {
            int most = bits == 8 ? 127 : 7, top = (1 << weights) - 1;
            var (codes, x) = (new byte[n], new float[n]);
            foreach (var (low, high) in ((byte, byte)[])[((byte)0, (byte)0), ((byte)top, (byte)top), ((byte)0, (byte)top)])
            {
                foreach (int sign in (int[])[1, -1])
                {
                    long expected = 0;
                    for (int j = 0; j < n; j++)
                    {
                        (codes[j], x[j]) = (j % 3 == 0 ? low : high, sign * (j % 5 == 4 ? -most : most));
                        expected += (codes[j] - (1 << (weights - 1))) * (long)x[j];
                    }
                    var packed = new byte[BitPacking.ByteCount(n, weights)];
                    BitPacking.Pack(codes, weights, packed);
                    var matrix = new IntegerMatrix(1, n, weights, 0, packed, [1], []);
                    var (one, many, all) = (new float[1], new Matrix<float>(5, 1), new Matrix<float>(5, n));
                    for (int t = 0; t < 5; t++) x.CopyTo(all.Row(t));
                    matrix.Multiply(InputRounder.Dynamic(new(bits)), x, one);
                    matrix.Multiply(InputRounder.Dynamic(new(bits)), all, many);
                    Assert.Equal(expected, one[0]);
                    Assert.All(many.Data.ToArray(), v => Assert.Equal(expected, v));
                }
            }
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void The_product_is_that_of_the_weights_and_the_rounded_input(int weights, int size, int bits)
    {
        foreach (int n in Widths)
        {
            var matrix = Sample(3, n, weights, size, zeros: true, out var w);
            foreach (var grid in (InputGrid[])[new(bits), new(bits, 128, Symmetric: false)])
            {
                var input = InputRounder.Dynamic(grid);
                float[] x = Some.Matrix(1, n, 9).Data.ToArray(), rounded = new float[n], y = new float[3];
                input.Round(x, rounded);
                matrix.Multiply(input, x, y);
                for (int i = 0; i < 3; i++)
                {
                    var (expected, terms) = (0.0, 0.0);
                    for (int j = 0; j < n; j++) (expected, terms) = (expected + w[i, j] * rounded[j], terms + Math.Abs(w[i, j] * rounded[j]));
                    Assert.Equal(expected, y[i], 1e-6 * terms);
                }
            }
        }
    }

    [Fact]
    public void Results_are_the_same_at_any_thread_count_and_one_token_allocates_nothing()
    {
        var matrix = Sample(200, 320, 4, 128, zeros: true, out _);
        var input = InputRounder.Dynamic(new(8, 0, Symmetric: false));
        var (x, y) = (Some.Matrix(70, 320), new Matrix<float>(70, 200));
        int before = Threads.Count;
        try
        {
            Threads.Count = 1;
            matrix.Multiply(input, x, y);
            float[] alone = y.Data.ToArray();
            Threads.Count = 3;
            matrix.Multiply(input, x, y);
            Assert.Equal(alone, y.Data.ToArray());
        }
        finally
        {
            Threads.Count = before;
        }
        var one = new float[200];
        matrix.Multiply(input, x.Row(0), one);
        Assert.Equal(0, Allocations.Least(_ => matrix.Multiply(input, x.Row(1), one)));
    }

    [Fact]
    public void Grids_without_a_kernel_are_refused() =>
        Assert.Contains("groups of 48", Assert.Throws<NotSupportedException>(() => new IntegerMatrix(1, 96, 4, 48, new byte[48], [1, 1], [])).Message, StringComparison.Ordinal);

    private static IntegerMatrix Sample(int rows, int columns, int bits, int group, bool zeros, out Matrix<float> weights)
    {
        var random = new Random(columns + bits);
        int size = group == 0 || group >= columns ? columns : group, groups = (columns + size - 1) / size, bytes = BitPacking.ByteCount(columns, bits);
        var (packed, codes) = (new byte[rows * bytes], new byte[columns]);
        float[] scales = [.. Enumerable.Range(0, rows * groups).Select(_ => random.NextSingle() + 0.1f)];
        byte[] points = zeros ? [.. scales.Select(_ => (byte)random.Next(1 << bits))] : [];
        weights = new(rows, columns);
        for (int i = 0; i < rows; i++)
        {
            random.NextBytes(codes);
            for (int j = 0; j < columns; j++)
            {
                int g = i * groups + j / size;
                codes[j] = (byte)(codes[j] & ((1 << bits) - 1));
                weights[i, j] = scales[g] * (codes[j] - (zeros ? points[g] : 1 << (bits - 1)));
            }
            BitPacking.Pack(codes, bits, packed.AsSpan(i * bytes, bytes));
        }
        return new(rows, columns, bits, group, packed, scales, points);
    }
}
