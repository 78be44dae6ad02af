using System.Runtime.Intrinsics;
using Quarank.Numerics.Trellis;
using Xunit;

namespace Quarank.Tests.Numerics;

/// <summary>The trellis code: packing and kernels against their plain twins, the encoder against all sequences there are and against what it should reach.</summary>
public class TrellisTests
{
    public static TheoryData<double, int> Codes => new() { { 1.5, 12 }, { 2, 12 }, { 2, 14 }, { 2, 16 }, { 2.5, 13 }, { 3, 12 }, { 3, 16 }, { 3.5, 14 }, { 4, 16 } };

    [Theory, InlineData(3), InlineData(4), InlineData(5), InlineData(6), InlineData(7), InlineData(8)]
    public void Symbols_come_back_from_their_bytes(int bits)
    {
        byte[] symbols = Symbols(bits, bits), back = new byte[64], bytes = new byte[TrellisPacking.BytesOf(bits)];
        TrellisPacking.Pack(symbols, bits, bytes);
        TrellisPacking.Unpack(bytes, bits, back);
        Assert.Equal(symbols, back);
    }

    [Fact]
    public void Each_run_of_four_bit_symbols_is_four_bytes_one_after_the_other()
    {
        byte[] symbols = [.. Enumerable.Range(0, 64).Select(p => (byte)(p % 16))], bytes = new byte[32];
        TrellisPacking.Pack(symbols, 4, bytes);
        Assert.Equal(Enumerable.Range(0, 32).Select(i => (byte)(2 * i % 16 | (2 * i + 1) % 16 << 4)), bytes);
    }

    [Fact]
    public void A_state_is_the_symbols_from_its_place_on_and_the_last_places_see_the_first()
    {
        var code = TrellisCode.Of(2, 12);
        byte[] symbols = Symbols(4, 3);
        var (first, second) = (new int[64], new int[64]);
        code.Decode(symbols, first, second);
        for (int p = 0; p < 64; p++)
        {
            uint state = (uint)(symbols[p] | symbols[(p + 1) % 64] << 4 | symbols[(p + 2) % 64] << 8);
            Assert.Equal(code.Values(state), (first[p], second[p]));
        }
    }

    [Theory, MemberData(nameof(Codes))]
    public void Kernels_agree_with_their_plain_twins(double bits, int stateBits)
    {
        const int rows = 150, columns = 301;
        var code = TrellisCode.Of(bits, stateBits);
        var matrix = Matrix(code, rows, columns);
        float[] x = Values(columns, 5), y = new float[rows], twin = new float[rows];

        matrix.MultiplyFloat(x, y);
        matrix.MultiplyFloat(x, twin, false);
        Assert.Equal(twin, y);
        matrix.Multiply(x, y);
        matrix.Multiply(x, twin, false);
        Assert.Equal(twin, y);
        float[] decoded = new float[rows * columns], plain = new float[rows * columns];
        matrix.DecodeRows(0, rows, decoded);
        matrix.DecodeRows(0, rows, plain, false);
        Assert.Equal(plain, decoded);
    }

    [Theory, MemberData(nameof(Codes))]
    public void The_encoder_agrees_with_its_plain_twin(double bits, int stateBits)
    {
        var code = TrellisCode.Of(bits, Math.Min(stateBits, Math.Max(12, (int)(4 * bits))));
        var encoder = new TrellisEncoder(code);
        encoder.Measure([0.8f, 0, 0.3f, 0.5f]);
        float[] a = Gaussian(code, 1), b = Gaussian(code, 2), first = new float[64], second = new float[64], plainFirst = new float[64], plainSecond = new float[64];
        byte[] symbols = new byte[64], plain = new byte[64];
        encoder.Encode(a, b, symbols, first, second);
        encoder.Encode(a, b, plain, plainFirst, plainSecond, false);
        Assert.Equal(plain, symbols);
        Assert.Equal(plainFirst, first);
        Assert.Equal(plainSecond, second);
    }

    [Theory, MemberData(nameof(Codes))]
    public void What_the_encoder_says_it_rounded_to_is_what_is_decoded(double bits, int stateBits)
    {
        var code = TrellisCode.Of(bits, stateBits);
        float[] first = new float[64], second = new float[64];
        byte[] symbols = new byte[64];
        new TrellisEncoder(code).Encode(Gaussian(code, 1), Gaussian(code, 2), symbols, first, second);
        var (a, b) = (new int[64], new int[64]);
        code.Decode(symbols, a, b);
        Assert.Equal(a.Select(v => (float)v), first);
        Assert.Equal(b.Select(v => (float)v), second);
    }

    [Fact]
    public void No_change_of_one_symbol_comes_nearer_in_the_norm_that_was_given()
    {
        var code = TrellisCode.Of(2, 12);
        var encoder = new TrellisEncoder(code);
        float[] root = [0.9f, 0, -0.4f, 0.6f], a = Gaussian(code, 7), b = Gaussian(code, 8), first = new float[64], second = new float[64];
        encoder.Measure(root);
        byte[] symbols = new byte[64];
        encoder.Encode(a, b, symbols, first, second);
        double best = Distance(symbols);
        for (int p = 0; p < 64; p++)
            for (int s = 0; s < 16; s++)
            {
                byte kept = symbols[p];
                symbols[p] = (byte)s;
                Assert.True(Distance(symbols) >= best * (1 - 1e-5), $"place {p}, symbol {s}");
                symbols[p] = kept;
            }

        double Distance(byte[] ring)
        {
            var (v, w) = (new int[64], new int[64]);
            code.Decode(ring, v, w);
            double sum = 0;
            for (int p = 0; p < 64; p++)
            {
                double x = a[p] - v[p], y = b[p] - w[p], turned = root[0] * x + root[2] * y;
                sum += turned * turned + root[3] * root[3] * y * y;
            }
            return sum;
        }
    }

    // The bounds are 2^(-2 bits): 0.125, 0.0625, 0.0156, 0.0039; E8P leaves 0.0913 at 2 bits. 40 rings, 5,120 weights: errors of the means are near 1 %.
    [Theory, InlineData(1.5, 12, 0.151), InlineData(2, 10, 0.085), InlineData(2, 12, 0.078), InlineData(2, 14, 0.0745), InlineData(3, 14, 0.0207), InlineData(4, 16, 0.0056)]
    public void Gaussian_weights_are_rounded_as_well_as_was_measured(double bits, int stateBits, double most)
    {
        var code = TrellisCode.Of(bits, stateBits);
        var encoder = new TrellisEncoder(code);
        float[] first = new float[64], second = new float[64];
        byte[] symbols = new byte[64];
        double error = 0, energy = 0;
        int rings = Vector256.IsHardwareAccelerated ? 40 : 6;
        for (int i = 0; i < rings; i++)
        {
            float[] a = Gaussian(code, 100 + i), b = Gaussian(code, 900 + i);
            encoder.Encode(a, b, symbols, first, second);
            for (int p = 0; p < 64; p++)
            {
                error += Math.Pow(a[p] - first[p], 2) + Math.Pow(b[p] - second[p], 2);
                energy += Math.Pow(a[p], 2) + Math.Pow(b[p], 2);
            }
        }
        Assert.InRange(error / energy, Math.Pow(2, -2 * bits), rings == 40 ? most : 1.1 * most);
    }

    [Theory, InlineData(1, 12), InlineData(2.25, 12), InlineData(4.5, 16), InlineData(4, 14), InlineData(2, 17), InlineData(double.NaN, 12)]
    public void Codes_that_cannot_be_are_refused(double bits, int stateBits) => Assert.Throws<ArgumentException>(() => TrellisCode.Of(bits, stateBits));

    internal static TrellisMatrix Matrix(TrellisCode code, int rows, int columns) => new(code, rows, columns, Rings(code, rows, columns), 0.001f);

    internal static byte[] Rings(TrellisCode code, int rows, int columns)
    {
        byte[] rings = new byte[TrellisMatrix.PanelsOf(rows) * TrellisMatrix.PairsOf(columns) * TrellisPacking.BytesOf(code.SymbolBits)];
        new Random(9).NextBytes(rings);
        return rings;
    }

    private static byte[] Symbols(int bits, int seed)
    {
        byte[] symbols = new byte[64];
        new Random(seed).NextBytes(symbols);
        return [.. symbols.Select(s => (byte)(s & (1 << bits) - 1))];
    }

    private static float[] Values(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
    }

    // In the code's units.
    private static float[] Gaussian(TrellisCode code, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, 64).Select(_ => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()) / code.BestScale))];
    }
}
