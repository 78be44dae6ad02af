using System.Numerics;
using Quarank.Numerics.Kernels;
using Quarank.Numerics.Lattice;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Numerics;

/// <summary>The E8P codebook against its oracles, an independent program, and a search over all of its points.</summary>
public class LatticeTests
{
    [Fact]
    public void Its_points_are_those_of_the_paper()
    {
        var points = new HashSet<(Vector4, Vector4)>();
        var (norms, largest, p) = (0.0, 0.0, new float[8]);
        for (int code = 0; code < 65536; code++)
        {
            E8Codebook.Decode((ushort)code, p);
            points.Add((new(p.AsSpan(0, 4)), new(p.AsSpan(4))));
            double norm = p.Sum(v => (double)v * v);
            (norms, largest) = (norms + norm, Math.Max(largest, norm));
            float shift = (BitOperations.PopCount((uint)code & 255) & 1) != 0 ? -0.25f : 0.25f;
            Assert.Equal(0, p.Sum(v => v - shift) % 2);
        }
        Assert.Equal(65536, points.Count);
        Assert.Equal(1.19629, norms / 65536 / 8, 5e-6);
        Assert.Equal(16.5, largest);
    }

    [Theory]
    [InlineData(0x0000, "0.75,0.75,0.75,0.75,0.75,0.75,0.75,0.75"), InlineData(0x0001, "0.25,0.25,0.25,0.25,0.25,0.25,0.25,0.25")]
    [InlineData(0x1234, "-0.75,-0.75,0.25,-0.75,-1.75,0.25,0.25,1.25"), InlineData(0xFFFF, "-1.25,-1.25,-0.25,-0.25,-1.25,-1.25,-1.25,0.75")]
    public void Codes_mean_what_the_reference_means(int code, string point)
    {
        var values = new float[8];
        E8Codebook.Decode((ushort)code, values);
        Assert.Equal(point.Split(',').Select(v => float.Parse(v, System.Globalization.CultureInfo.InvariantCulture)), values);
    }

    [Fact]
    public void Patterns_and_nearest_points_are_the_golden_ones()
    {
        var (table, input, nearest) = (MethodGolden.Values("e8p.table"), MethodGolden.Values("e8p.input"), MethodGolden.Values("e8p.nearest"));
        for (int i = 0; i < 256 * 8; i++) Assert.Equal(table.Data[i], E8Patterns.Doubled[i] / 2.0);
        var (x, ours) = (new float[8], new float[8]);
        for (int i = 0; i < input.Rows; i++)
        {
            for (int j = 0; j < 8; j++) x[j] = (float)input[i, j];
            E8Codebook.Decode(E8Codebook.Nearest(x), ours);
            for (int j = 0; j < 8; j++) Assert.Equal(nearest[i, j], ours[j]);
        }
    }

    [Fact]
    public void The_search_finds_the_nearest_of_all_points_and_its_twin_the_same()
    {
        var all = new float[65536][];
        for (int code = 0; code < all.Length; code++) E8Codebook.Decode((ushort)code, all[code] = new float[8]);
        double Distance(float[] a, float[] b) => a.Zip(b, (u, v) => ((double)u - v) * ((double)u - v)).Sum();
        var random = new Random(1);
        for (int t = 0; t < 60; t++)
        {
            float size = t % 3 == 0 ? 1 : t % 3 == 1 ? 0.3f : 3; // inside, near the middle, far outside
            float[] x = [.. Enumerable.Range(0, 8).Select(_ => (float)Gaussian(random) * size)];
            ushort code = E8Codebook.Nearest(x);
            Assert.Equal(all.Min(p => Distance(x, p)), Distance(x, all[code]), 1e-5);
        }
        for (int code = 0; code < all.Length; code += 97) Assert.Equal(code, E8Codebook.Nearest(all[code]));
    }

    [Fact]
    public void Points_side_by_side_and_their_scalar_twin_are_as_one_by_one()
    {
        var random = new Random(7);
        const int count = 4001, stride = 4008;
        var x = new float[8 * stride];
        foreach (ref float v in x.AsSpan()) v = (float)Gaussian(random) * (random.Next(4) == 0 ? 2 : 1);
        for (int i = 0; i < 8 * stride; i += 5) x[i] = MathF.Round(x[i] * 4) / 4; // ties, and points of the lattice
        var (values, twins) = (new float[16 * stride], new float[16 * stride]);
        ushort[] codes = new ushort[stride], others = new ushort[stride], twinCodes = new ushort[stride], twinOthers = new ushort[stride];
        E8Search.Nearest(x, stride, count, values, codes, others);
        E8Search.Nearest(x, stride, count, twins, twinCodes, twinOthers, vectors: false);
        Assert.Equal(values, twins);
        Assert.Equal(codes, twinCodes);
        Assert.Equal(others, twinOthers);
        var (one, point) = (new float[8], new float[8]);
        for (int r = 0; r < count; r++)
        {
            for (int i = 0; i < 8; i++) one[i] = x[i * stride + r];
            Assert.Equal(E8Codebook.Nearest(one), codes[r]);
            foreach (var (code, row) in (ReadOnlySpan<(ushort, int)>)[(codes[r], 0), (others[r], 8)])
            {
                E8Codebook.Decode(code, point);
                for (int i = 0; i < 8; i++) Assert.Equal(point[i], values[(row + i) * stride + r]);
            }
            Assert.NotEqual(BitOperations.PopCount(codes[r] & 255u) & 1, BitOperations.PopCount(others[r] & 255u) & 1);
        }
    }

    [Fact]
    public void The_second_book_finds_the_nearest_of_its_points()
    {
        var (random, all, x) = (new Random(9), new float[256][], new float[8]);
        for (int c = 0; c < 256; c++) E8Shell.Decode((byte)c, all[c] = new float[8]);
        double Distance(float[] p) => p.Zip(x, (u, v) => ((double)u - v) * ((double)u - v)).Sum();
        for (int t = 0; t < 3000; t++)
        {
            double size = t % 3 == 0 ? 1 : t % 3 == 1 ? 0.4 : 0.15;
            for (int i = 0; i < 8; i++) x[i] = (float)(Gaussian(random) * size * (random.Next(5) == 0 ? 4 : 1));
            Assert.Equal(all.Min(Distance), Distance(all[E8Shell.Nearest(x)]), 1e-5);
        }
    }

    [Fact]
    public void The_second_books_points_are_their_own_nearest()
    {
        var values = new float[8];
        for (int code = 0; code < 256; code++)
        {
            E8Shell.Decode((byte)code, values);
            Assert.Equal(code, E8Shell.Nearest(values));
            double norm = values.Sum(v => v * v);
            Assert.Equal(code == 0 ? 0 : code < 241 ? 2 : 4, norm);
        }
    }

    // A Gaussian's mean squared error: §3.4's 0.0913 for two bits; the bounds of the other two are what this program measured.
    [Theory, InlineData(2, 0.0893, 0.0933), InlineData(3, 0.020, 0.035), InlineData(4, 0.008, 0.0105)]
    public void A_Gaussian_loses_what_the_book_promises(int bits, double least, double most)
    {
        var (book, random, error) = (LatticeBook.Of(bits), new Random(5), 0.0);
        var (x, rounded, again) = (new float[8], new float[8], new float[8]);
        const int count = 20000;
        for (int t = 0; t < count; t++)
        {
            for (int i = 0; i < 8; i++) x[i] = (float)(Gaussian(random) * book.BestScale);
            uint code = book.Round(x, rounded);
            book.Decode(code, again);
            Assert.Equal(rounded, again);
            for (int i = 0; i < 8; i++) error += (x[i] - rounded[i]) * (x[i] - rounded[i]) / (book.BestScale * book.BestScale);
        }
        Assert.InRange(error / count / 8, least, most);
    }

    [Theory, InlineData(2), InlineData(3), InlineData(4)]
    public void The_kernels_multiply_as_their_scalar_twins_and_as_the_decoded_matrix(int bits)
    {
        var (random, book) = (new Random(2), LatticeBook.Of(bits));
        foreach (var (rows, columns) in (ReadOnlySpan<(int, int)>)[(1, 8), (3, 5), (40, 128), (17, 200), (70, 576)])
        {
            int groups = (columns + 7) / 8;
            ushort[] codes = [.. Enumerable.Range(0, rows * groups).Select(_ => (ushort)random.Next(65536))];
            ushort[] second = bits == 2 ? [] : [.. codes.Select(_ => (ushort)random.Next(bits == 3 ? 256 : 65536))];
            var matrix = new LatticeMatrix(book, rows, columns, codes, second, 0.3f);
            float[] x = Some.Matrix(1, columns).Row(0).ToArray(), rounded = new float[columns], y = new float[rows], twin = new float[rows], w = new float[rows * columns], point = new float[8];
            matrix.DecodeRows(0, rows, w);
            matrix.Round(x, rounded);
            for (int i = 0; i < rows; i++)
                for (int g = 0; g < groups; g++)
                {
                    book.Decode(codes[i * groups + g] | (bits == 2 ? 0u : (uint)second[i * groups + g] << 16), point);
                    for (int j = 0; j < Math.Min(8, columns - 8 * g); j++) Assert.Equal(point[j] * 0.3f, w[i * columns + 8 * g + j]);
                }
            foreach (bool bytes in (bool[])[true, false])
            {
                if (bytes) matrix.Multiply(x, y);
                else matrix.MultiplyFloat(x, y);
                matrix.MultiplyScalar(x, twin, bytes);
                Assert.Equal(twin, y);
                for (int i = 0; i < rows; i++)
                {
                    double exact = 0, size = 0;
                    for (int j = 0; j < columns; j++)
                    {
                        exact += (double)w[i * columns + j] * (bytes ? rounded[j] : x[j]);
                        size += Math.Abs((double)w[i * columns + j] * x[j]);
                    }
                    Assert.InRange(Math.Abs(exact - y[i]), 0, 1e-6 * size + 1e-12); // float sums; 1/3.45 of a float in the scale
                }
            }
        }
    }

    [Fact]
    public void A_product_of_one_token_allocates_nothing()
    {
        var (random, x, y) = (new Random(3), new float[576], new float[200]);
        ushort[] codes = [.. Enumerable.Range(0, 200 * 72).Select(_ => (ushort)random.Next(65536))];
        var matrix = new LatticeMatrix(LatticeBook.Of(4), 200, 576, codes, codes, 1);
        long least = long.MaxValue;
        for (int run = 0; run < 6; run++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            matrix.Multiply(x, y);
            matrix.MultiplyFloat(x, y);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        Assert.Equal(0, least);
    }

    private static double Gaussian(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
