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
            Assert.Equal(code, E8Codebook.NearestScalar(x));
            Assert.Equal(all.Min(p => Distance(x, p)), Distance(x, all[code]), 1e-5);
        }
        for (int code = 0; code < all.Length; code += 97) Assert.Equal(code, E8Codebook.Nearest(all[code]));
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

    [Fact]
    public void The_kernels_multiply_and_decode_as_their_scalar_twins()
    {
        var random = new Random(2);
        foreach (int groups in (int[])[1, 2, 7, 72])
        {
            ushort[] codes = [.. Enumerable.Range(0, groups).Select(_ => (ushort)random.Next(65536))];
            float[] x = Some.Matrix(1, 8 * groups).Row(0).ToArray(), decoded = new float[8 * groups], point = new float[8];
            Assert.Equal(LatticeKernels.DotScalar(codes, x), LatticeKernels.Dot(codes, x), 1e-5 * groups);
            LatticeKernels.Decode(codes, 0.3f, decoded);
            for (int g = 0; g < groups; g++)
            {
                E8Codebook.Decode(codes[g], point);
                for (int i = 0; i < 8; i++) Assert.Equal(point[i] * 0.3f, decoded[8 * g + i]);
            }
        }
    }

    private static double Gaussian(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
