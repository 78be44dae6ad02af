using Quarank.Numerics;
using Quarank.Numerics.Kernels;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Numerics;

/// <summary>One-token products of packed matrices, with the input in bytes.</summary>
public class PackedMatrixTests
{
    private static readonly int[] Bits = [2, 3, 4, 8], GroupSizes = [0, 32, 64, 128, 256];

    private static readonly int[] Heights = [70, 5, 33];

    public static TheoryData<int, int> Grids => [.. from bits in Bits from size in GroupSizes select (bits, size)];

    private static readonly int[] Widths = [.. Enumerable.Range(1, 35), 60, 63, 64, 65, 96, 100, 127, 128, 129, 160, 191, 192, 255, 256, 257, 300, 384, 385, 416, 511, 512, 576, 640, 700, 1000];

    [Theory, MemberData(nameof(Grids))]
    public void Rows_equal_their_scalar_twin_bit_for_bit_at_every_width(int bits, int group)
    {
        foreach (int n in Widths)
        {
            foreach (var offset in Enum.GetValues<PackedOffset>())
            {
                var matrix = Sample(5, n, bits, group, offset, out _);
                float[] x = Some.Matrix(1, n).Data.ToArray(), y = new float[5], twin = new float[5];
                matrix.Multiply(x, y);
                matrix.MultiplyScalar(x, twin);
                Assert.Equal(twin, y);
            }
        }
    }

    [Theory, MemberData(nameof(Grids))]
    public void Matrices_of_one_input_give_together_what_each_gives_alone_bit_for_bit(int bits, int group)
    {
        const int n = 640;
        var matrices = Heights.Select(rows => Sample(rows, n, bits, group, PackedOffset.ZeroPoint, out _)).ToArray();
        float[] x = Some.Matrix(1, n).Data.ToArray();
        float[][] alone = [new float[70], new float[5], new float[33]], together = [new float[70], new float[5], new float[33]];
        foreach (bool bytes in new[] { true, false })
        {
            for (int i = 0; i < 3; i++)
            {
                if (bytes) matrices[i].Multiply(x, alone[i]);
                else matrices[i].MultiplyFloat(x, alone[i]);
            }
            PackedMatrix.MultiplyTogether(matrices[0], matrices[1], matrices[2], x, together[0], together[1], together[2], bytes);
            Assert.Equal(alone, together);
            foreach (float[] y in together) Array.Clear(y);
            PackedMatrix.MultiplyTogether(matrices[2], matrices[0], null, x, together[2], together[0], [], bytes);
            float[][] two = [alone[0], new float[5], alone[2]];
            Assert.Equal(two, together);
        }
    }

    [Fact]
    public void Matrices_whose_inputs_are_cut_otherwise_do_not_go_together()
    {
        PackedMatrix some = Sample(5, 256, 4, 128, PackedOffset.Middle, out _), others = Sample(5, 256, 4, 64, PackedOffset.Middle, out _);
        Assert.False(some.SharesInput(others));
        Assert.False(some.SharesInput(ColumnSample(40, 256, 4, out _)));
        Assert.Throws<ArgumentException>(() => PackedMatrix.MultiplyTogether(some, others, null, new float[256], new float[5], new float[5], [], bytes: true));
    }

    [Theory, MemberData(nameof(Grids))]
    public void The_sum_is_that_of_weights_and_rounded_inputs(int bits, int group)
    {
        var input = new ByteInput();
        foreach (int n in Widths)
        {
            foreach (var offset in Enum.GetValues<PackedOffset>())
            {
                var matrix = Sample(3, n, bits, group, offset, out var weights);
                float[] x = Some.Matrix(1, n).Data.ToArray(), y = new float[3];
                input.Fill(x, new PackedLayout(n, bits, group == 0 ? n : group));
                matrix.Multiply(x, y);
                for (int i = 0; i < 3; i++)
                {
                    var (expected, size) = (0.0, 0.0);
                    for (int j = 0; j < n; j++)
                    {
                        double term = weights[i, j] * input.Value(j);
                        (expected, size) = (expected + term, size + (1 << bits) * Math.Abs(input.Value(j)));
                    }
                    // Exact integers and a float sum per unit, of codes and of offsets, which may cancel.
                    Assert.Equal(expected, y[i], 1e-6 * size);
                }
            }
        }
    }

    [Theory, InlineData(2), InlineData(3), InlineData(4), InlineData(8)]
    public void A_grid_by_columns_equals_its_twin_and_the_sum_of_its_weights(int bits)
    {
        foreach (int n in Widths)
        {
            const int rows = 40;
            var matrix = ColumnSample(rows, n, bits, out var weights);
            float[] x = Some.Matrix(1, n).Data.ToArray(), y = new float[rows], twin = new float[rows];
            matrix.Multiply(x, y);
            matrix.MultiplyScalar(x, twin);
            Assert.Equal(twin, y);
            for (int i = 0; i < rows; i++)
            {
                var (expected, size) = (0.0, 0.0);
                for (int j = 0; j < n; j++)
                {
                    expected += weights[i, j] * x[j];
                    size += 1.1 * (1 << bits) * x.Max(Math.Abs);
                }
                Assert.Equal(expected, y[i], size / 254);
            }
        }
    }

    [Theory, MemberData(nameof(Grids))]
    public void Extreme_codes_inputs_and_scales_overflow_nothing(int bits, int group)
    {
        foreach (int n in new[] { 33, 100, 576, 640 })
        {
            foreach (int code in new[] { 0, (1 << bits) - 1 })
            {
                var packed = new byte[3 * BitPacking.ByteCount(n, bits)];
                for (int i = 0; i < 3; i++) BitPacking.Pack(Enumerable.Repeat((byte)code, n).ToArray(), bits, packed.AsSpan(i * packed.Length / 3, packed.Length / 3));
                int groups = new PackedLayout(n, bits, group == 0 ? n : group).Groups;
                float[] scales = [.. Enumerable.Range(0, 3 * groups).Select(g => g / groups == 1 ? 0 : 1f)];
                foreach (float value in new[] { 127f, -127f })
                {
                    float[] x = [.. Enumerable.Repeat(value, n)], y = new float[3], twin = new float[3];
                    var matrix = new PackedMatrix(3, n, bits, group == 0 ? n : group, packed, scales, true, PackedOffset.Middle, [], []);
                    matrix.Multiply(x, y);
                    matrix.MultiplyScalar(x, twin);
                    float expected = (float)n * value * (code - (1 << (bits - 1)));
                    Assert.Equal([expected, 0, expected], y); // all of it whole numbers below 2^24
                    Assert.Equal(twin, y);
                }
            }
        }
    }

    [Fact]
    public void Codes_are_not_copied_and_nothing_behind_them_is_read()
    {
        byte[] codes = new byte[40 * BitPacking.ByteCount(100, 4)];
        var matrix = new PackedMatrix(40, 100, 4, 100, codes, Enumerable.Repeat(1f, 40).ToArray(), false, PackedOffset.Number, [], new float[40]);
        var y = new float[40];
        codes[0] = 7;
        float[] x = new float[100];
        x[0] = 127;
        matrix.Multiply(x, y);
        Assert.Equal(7 * 127, y[0], 1e-3f);
        Assert.All(y[1..], v => Assert.Equal(0, v));
    }

    [Fact]
    public void Codes_come_back_as_they_were_given_whatever_order_kernels_keep_them_in()
    {
        foreach (int n in Widths)
        {
            foreach (int bits in Bits)
            {
                var random = new Random(n);
                byte[] codes = new byte[3 * BitPacking.ByteCount(n, bits)], row = new byte[n], expected = new byte[n];
                random.NextBytes(codes); // bits behind the last code too
                byte[] given = (byte[])codes.Clone();
                var matrix = new PackedMatrix(3, n, bits, n, codes, new float[3], false, PackedOffset.Middle, [], []);
                Assert.Equal(given, codes);
                Assert.Equal(given, matrix.PackedBytes());
                Assert.Equal(bits != 3 || n < 256, matrix.KeepsCodes);
                for (int i = 0; i < 3; i++)
                {
                    BitPacking.Unpack(given.AsSpan(i * given.Length / 3, given.Length / 3), bits, expected);
                    matrix.UnpackRow(i, row);
                    Assert.Equal(expected, row);
                }
            }
        }
    }

    [Theory, MemberData(nameof(Grids))]
    public void Results_do_not_depend_on_the_number_of_threads(int bits, int group)
    {
        var matrix = Sample(333, 576, bits, group, PackedOffset.ZeroPoint, out _);
        float[] x = Some.Matrix(1, 576).Data.ToArray(), y = new float[333], single = new float[333];
        matrix.Multiply(x, y);
        int before = Threads.Count;
        Threads.Count = 1;
        try
        {
            matrix.Multiply(x, single);
        }
        finally
        {
            Threads.Count = before;
        }
        Assert.Equal(single, y);
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
        var y = new float[1];
        Sample(1, 256, 4, 256, PackedOffset.Middle, out _).Multiply(x, y);
        Assert.True(float.IsNaN(y[0]), $"{y[0]}");
    }

    /// <summary>A matrix of random codes, scales (one of them 0, halves every other time) and offsets, and what it stands for.</summary>
    internal static PackedMatrix Sample(int rows, int n, int bits, int group, PackedOffset offset, out double[,] weights)
    {
        var random = new Random(n + bits);
        if (group == 0) group = n;
        var layout = new PackedLayout(n, bits, group);
        var (codes, values) = Codes(rows, n, bits, random);
        int count = rows * layout.Groups;
        bool halves = n % 2 == 0;
        float[] scales = [.. Enumerable.Range(0, count).Select(g => g == 1 ? 0 : halves ? (float)(Half)(random.NextSingle() + 0.1f) : random.NextSingle() + 0.1f)];
        byte[] zeros = offset == PackedOffset.ZeroPoint ? [.. Enumerable.Range(0, count).Select(_ => (byte)random.Next(1 << bits))] : [];
        float[] offsets = offset == PackedOffset.Number ? [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)] : [];
        weights = new double[rows, n];
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < n; j++)
            {
                int g = i * layout.Groups + j / layout.GroupSize;
                weights[i, j] = offset switch
                {
                    PackedOffset.Middle => (double)scales[g] * (values[i][j] - (1 << (bits - 1))),
                    PackedOffset.ZeroPoint => (double)scales[g] * (values[i][j] - zeros[g]),
                    _ => (double)scales[g] * values[i][j] + offsets[g],
                };
            }
        }
        return new PackedMatrix(rows, n, bits, group, codes, scales, halves, offset, zeros, offsets);
    }

    /// <summary>A grid by columns; every seventh column has a scale of 0.</summary>
    internal static PackedMatrix ColumnSample(int rows, int n, int bits, out double[,] weights)
    {
        var random = new Random(n);
        var (codes, values) = Codes(rows, n, bits, random);
        float[] scales = [.. Enumerable.Range(0, n).Select(j => j % 7 == 3 ? 0 : random.NextSingle() + 0.1f)];
        float[] offsets = [.. Enumerable.Range(0, n).Select(_ => random.NextSingle() - 0.5f)];
        weights = new double[rows, n];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < n; j++) weights[i, j] = (double)scales[j] * values[i][j] + offsets[j];
        return new PackedMatrix(rows, n, bits, codes, scales, offsets);
    }

    internal static (byte[] Packed, byte[][] Values) Codes(int rows, int n, int bits, Random random)
    {
        int bytes = BitPacking.ByteCount(n, bits);
        var packed = new byte[rows * bytes];
        var values = new byte[rows][];
        for (int i = 0; i < rows; i++)
        {
            values[i] = [.. Enumerable.Range(0, n).Select(_ => (byte)random.Next(1 << bits))];
            BitPacking.Pack(values[i], bits, packed.AsSpan(i * bytes, bytes));
        }
        return (packed, values);
    }
}
