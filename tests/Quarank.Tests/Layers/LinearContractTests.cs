using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Numerics.Lattice;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Layers;

/// <summary>What every stored form keeps: it multiplies as its decoded matrix does, comes back from its bytes, and counts them all.</summary>
public class LinearContractTests
{
    /// <summary>One of every form, by a name.</summary>
    internal static readonly Dictionary<string, Func<Linear>> Samples = new()
    {
        ["dense, float32"] = () => new DenseLinear(Some.Matrix(70, 45)),
        ["dense, float16"] = () => Dense16(ElementType.F16),
        ["dense, bfloat16"] = () => Dense16(ElementType.BF16),
        ["grid, 2 bits a row"] = () => Grid(new(2), 70, 192),
        ["grid, 3 bits, groups of 32"] = () => Grid(new(3, 32), 70, 160),
        ["grid, 3 bits, a short last group"] = () => Grid(new(3, 32), 5, 45),
        ["grid, 4 bits, symmetric"] = () => Grid(new(4, 64, GridOffset.None), 70, 128),
        ["grid, 5 bits, number offsets"] = () => Grid(new(5, 0, GridOffset.Number), 9, 45),
        ["grid, 8 bits, float32 scales"] = () => Grid(new(8, 16, Scales: ScaleType.Bits32), 9, 45),
        ["grid, 4 bits by columns"] = () => Grid(new(4, 0, GridOffset.Number, GridAxis.Columns), 70, 45),
        ["grid, 4 bits by columns, groups of 32, number offsets"] = () => Grid(new(4, 32, GridOffset.Number, GridAxis.Columns), 150, 45),
        ["grid, 3 bits by columns, a short last group, zero-points"] = () => Grid(new(3, 16, GridOffset.ZeroPoint, GridAxis.Columns), 70, 45),
        ["grid, 5 bits by columns, zero-points"] = () => Grid(new(5, 0, GridOffset.ZeroPoint, GridAxis.Columns), 70, 45),
        ["grid, 4 bits, scales of two levels"] = () => Grid(new(4, 32) { Super = new(6, 64) }, 70, 160),
        ["grid, 2 bits, minima of two levels, one number a row"] = () => Grid(new(2, 16, GridOffset.Number) { Super = new(5, 0) }, 9, 45),
        ["grid, 3 bits, symmetric scales of two levels"] = () => Grid(new(3, 32, GridOffset.None) { Super = new(8) }, 70, 300),
        ["scaled inputs of a grid"] = () => new ScaledLinear(Grid(new(4, 32), 70, 96), [.. Enumerable.Range(0, 96).Select(j => 0.5f + j % 7)]),
        ["scaled outputs of a lattice"] = () => new ScaledLinear(Lattice(2, 70, 96), null, [.. Enumerable.Range(0, 70).Select(i => 0.75f + i % 5)]),
        ["scaled inputs and outputs of a rotated grid"] = () => new ScaledLinear(new TransformedLinear(Grid(new(8, 16), 70, 45), 3),
            [.. Enumerable.Range(0, 45).Select(j => 0.5f + j % 7)], [.. Enumerable.Range(0, 70).Select(i => 0.75f + i % 5)]),
        ["codebook, 1 bit a row"] = () => Codebook(new(1), 70, 192),
        ["codebook, 4 bits, groups of 32, a short last one"] = () => Codebook(new(4, 32), 70, 45),
        ["codebook, 3 bits by columns"] = () => Codebook(new(3, 0, GridAxis.Columns), 70, 45),
        ["codebook, 2 bits by columns, groups of 48, float32 scales"] = () => Codebook(new(2, 48, GridAxis.Columns, ScaleType.Bits32), 150, 45),
        ["sum of a grid, a product and a codebook"] = () => new SumLinear([Grid(new(2), 70, 45),
            new ProductLinear(Codebook(new(4, 0, GridAxis.Columns), 70, 6), Grid(new(8), 6, 45)), Codebook(new(1, 8), 70, 45)]),
        ["selection of columns"] = () => new SelectionLinear([0, 7, 44], Grid(new(4), 70, 3), 45),
        ["product of grids"] = () => new ProductLinear(Grid(new(4, 0, GridOffset.Number, GridAxis.Columns), 70, 19), Grid(new(3, 0, GridOffset.Number), 19, 45)),
        ["lattice, 2 bits"] = () => Lattice(2, 70, 192),
        ["lattice, 3 bits, a short last group"] = () => Lattice(3, 70, 45),
        ["lattice, 4 bits, an odd count of groups"] = () => Lattice(4, 9, 40),
        ["grid rotated by Kronecker products"] = () => new TransformedLinear(Grid(new(8, 16), 70, 45), 12, RotationKind.Kronecker),
        ["trellis, 2 bits"] = () => Trellis(2, 14, 70, 192),
        ["trellis, 1.5 bits, an odd count of columns"] = () => Trellis(1.5, 12, 64, 45),
        ["trellis, 2.5 bits"] = () => Trellis(2.5, 16, 9, 40),
        ["trellis, 3 bits"] = () => Trellis(3, 12, 130, 45),
        ["trellis, 4 bits"] = () => Trellis(4, 16, 70, 192),
        ["rotated grid"] = () => new TransformedLinear(Grid(new(8, 16), 70, 45), 11),
        ["rotated sum of a lattice and a product of lattices"] = () => new TransformedLinear(
            new SumLinear([Lattice(2, 72, 96), new ProductLinear(Lattice(4, 72, 12), Lattice(4, 12, 96))]), -5),
    };

    public static TheoryData<string> Forms => [.. Samples.Keys];

    [Theory, MemberData(nameof(Forms))]
    public void Apply_is_the_product_with_the_decoded_matrix(string form)
    {
        var linear = Samples[form]();
        var (x, w) = (Some.Matrix(3, linear.Columns), linear.ToDense());
        var (many, y) = (linear.Apply(x), new float[linear.Rows]);
        for (int t = 0; t < x.Rows; t++)
        {
            linear.Apply(x.Row(t), y);
            for (int i = 0; i < y.Length; i++)
            {
                double expected = 0, size = 0;
                for (int j = 0; j < linear.Columns; j++) (expected, size) = (expected + w[i, j] * x[t, j], size + Math.Abs(w[i, j] * x[t, j]));
                // Float sums of up to 192 terms; a grid also sums codes and offset apart, which cost it up to 255 / 128 of its size.
                Assert.Equal(expected, y[i], 1e-5 * size + 1e-4);
                Assert.Equal(expected, many[t, i], 1e-5 * size + 1e-4);
            }
        }
    }

    [Theory, MemberData(nameof(Forms))]
    public void Rounded_inputs_change_a_product_by_less_than_a_hundredth_and_tokens_are_rounded_alike_alone_and_together(string form)
    {
        var linear = Samples[form]();
        var x = Some.Matrix(9, linear.Columns);
        var (exact, many, y) = (linear.Apply(x), new Matrix<float>(9, linear.Rows), new float[linear.Rows]);
        linear.ApplyRounded(x, many);
        var (error, size, most) = (0.0, 0.0, exact.Data.ToArray().Max(Math.Abs));
        for (int t = 0; t < x.Rows; t++)
        {
            linear.ApplyRounded(x.Row(t), y);
            for (int i = 0; i < y.Length; i++)
            {
                Assert.Equal(many[t, i], y[i], (form.Contains("codebook", StringComparison.Ordinal) ? 1e-3 : 1e-5) * most); // levels are rounded to 12 bits for one token
                (error, size) = (error + Math.Pow(y[i] - exact[t, i], 2), size + Math.Pow(exact[t, i], 2));
            }
        }
        // Uniform inputs: half a step of 1/127 at most, its root mean square 1/220 of theirs; some forms round twice.
        Assert.InRange(Math.Sqrt(error / size), 0, 0.01);
        if (linear is GridLinear) Assert.Equal(linear.Format.WithoutKernel(linear.Rows, linear.Columns) is null, error > 1e-9 * size);
    }

    [Theory, MemberData(nameof(Forms))]
    public void Its_bytes_bring_it_back_and_Bits_counts_them(string form)
    {
        var linear = Samples[form]();
        var stored = new Dictionary<string, StoredTensor>();
        linear.Save(new StoredTensors(stored).Under("layer"));
        string json = JsonSerializer.Serialize(linear.Format);
        var back = JsonSerializer.Deserialize<LinearFormat>(json)!.Load(new StoredTensors(stored).Under("layer"), linear.Rows, linear.Columns);

        Assert.Equal(linear.ToDense().Data.ToArray(), back.ToDense().Data.ToArray());
        Assert.Equal(linear.Bits, stored.Values.Sum(t => 8 * t.ByteLength));
        Assert.Equal(linear.Apply(Some.Matrix(2, linear.Columns)).Data.ToArray(), back.Apply(Some.Matrix(2, linear.Columns)).Data.ToArray());
    }

    [Theory, MemberData(nameof(Forms))]
    public void Rows_decode_the_same_alone_and_together(string form)
    {
        var linear = Samples[form]();
        var (all, one) = (linear.ToDense(), new float[linear.Columns]);
        for (int i = 0; i < linear.Rows; i++)
        {
            linear.DecodeRows(i, 1, one);
            for (int j = 0; j < one.Length; j++) Assert.Equal(all[i, j], one[j], 1e-6f * linear.Columns); // a product sums in another order
        }
    }

    [Fact]
    public void A_wrong_shape_is_refused_by_name()
    {
        var stored = new Dictionary<string, StoredTensor>();
        Grid(new(3), 8, 64).Save(new StoredTensors(stored).Under("model.layers.0.mlp.up_proj"));
        var e = Assert.Throws<InvalidDataException>(() => new GridFormat(3).Load(new StoredTensors(stored).Under("model.layers.0.mlp.up_proj"), 8, 96));
        Assert.Contains("model.layers.0.mlp.up_proj.codes", e.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(1, 0), InlineData(9, 0), InlineData(4, -1)]
    public void A_grid_that_cannot_be_is_refused(int bits, int group) => Assert.Throws<ArgumentException>(() => new GridFormat(bits, group).Validate());

    [Fact]
    public void Sums_of_the_same_terms_are_the_same_form_and_of_other_shapes_are_refused()
    {
        SumFormat Sum(int bits) => new([new GridFormat(2), new CodebookFormat(bits)]);
        Assert.Equal(Sum(3), Sum(3));
        Assert.Equal(Sum(3).GetHashCode(), Sum(3).GetHashCode());
        Assert.NotEqual(Sum(3), Sum(4));
        Assert.Throws<ArgumentException>(() => new SumLinear([]));
        Assert.Contains("5x9", Assert.Throws<ArgumentException>(() => new SumLinear([Grid(new(2), 5, 8), Grid(new(2), 5, 9)])).Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(0), InlineData(5)]
    public void A_codebook_has_one_to_four_bits(int bits) =>
        Assert.Contains($"not {bits}", Assert.Throws<ArgumentException>(new CodebookFormat(bits).Validate).Message, StringComparison.Ordinal);

    [Fact]
    public void A_table_of_the_wrong_length_is_refused_by_name()
    {
        var stored = new Dictionary<string, StoredTensor>();
        Codebook(new(3), 8, 64).Save(new StoredTensors(stored).Under("up_proj"));
        stored["up_proj.levels"] = StoredTensor.FromValues("up_proj.levels", new float[7], 7);
        var e = Assert.Throws<InvalidDataException>(() => new CodebookFormat(3).Load(new StoredTensors(stored).Under("up_proj"), 8, 64));
        Assert.Contains("8 levels was expected, found 7", e.Message, StringComparison.Ordinal);
    }

    private static DenseLinear Dense16(ElementType type)
    {
        var bytes = StoredTensor.FromFloats("w", type, Some.Matrix(70, 45).Data, 70, 45);
        return new DenseLinear(70, 45, type, System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ushort>(bytes.ReadBytes()).ToArray());
    }

    private static CodebookLinear Codebook(CodebookFormat format, int rows, int columns)
    {
        var random = new Random(6);
        byte[] packed = Packed(random, format.Bits, rows, columns);
        var scales = new float[format.Axis == GridAxis.Columns ? columns * (format.GroupSize == 0 ? 1 : (rows + format.GroupSize - 1) / format.GroupSize)
            : rows * (format.GroupSize == 0 ? 1 : (columns + format.GroupSize - 1) / format.GroupSize)];
        foreach (ref float scale in scales.AsSpan()) scale = (float)(Half)(random.NextSingle() + 0.001f);
        return new CodebookLinear(format, rows, columns, packed, scales, [.. Enumerable.Range(0, 1 << format.Bits).Select(_ => random.NextSingle() * 2 - 1)]);
    }

    private static byte[] Packed(Random random, int bits, int rows, int columns)
    {
        int bytes = BitPacking.ByteCount(columns, bits);
        var (packed, codes) = (new byte[rows * bytes], new byte[columns]);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++) codes[j] = (byte)random.Next(1 << bits);
            BitPacking.Pack(codes, bits, packed.AsSpan(i * bytes, bytes));
        }
        return packed;
    }

    private static TrellisLinear Trellis(double bits, int stateBits, int rows, int columns)
    {
        var code = Quarank.Numerics.Trellis.TrellisCode.Of(bits, stateBits);
        return new(code, rows, columns, Numerics.TrellisTests.Rings(code, rows, columns), 1e-4f);
    }

    private static LatticeLinear Lattice(int bits, int rows, int columns)
    {
        var (random, codes) = (new Random(6), rows * ((columns + 7) / 8));
        ushort[] Codes(int bound) => [.. Enumerable.Range(0, codes).Select(_ => (ushort)random.Next(bound))];
        return new(LatticeBook.Of(bits), rows, columns, Codes(65536), bits == 2 ? [] : Codes(bits == 3 ? 256 : 65536), 0.1f);
    }

    internal static GridLinear Grid(GridFormat format, int rows, int columns)
    {
        var random = new Random(5);
        byte[] packed = Packed(random, format.Bits, rows, columns);
        int count = format.ScaleCount(rows, columns);
        float[] Numbers() => [.. Enumerable.Range(0, count).Select(_ => (float)(Half)(random.NextSingle() / format.MaxCode + 0.001f))];
        byte[] zeros = format.Offset == GridOffset.ZeroPoint ? [.. Enumerable.Range(0, count).Select(_ => (byte)random.Next(format.MaxCode + 1))] : [];
        if (format.Super is { } super)
        {
            TwoLevelNumbers TwoLevels() => new([.. Enumerable.Range(0, count).Select(_ => (byte)random.Next(1 << super.Bits))],
                [.. Enumerable.Range(0, rows * super.CountOf(columns)).Select(_ => (float)(Half)(random.NextSingle() / format.MaxCode + 0.001f))]);
            return new GridLinear(format, rows, columns, packed, TwoLevels(), zeros, format.Offset == GridOffset.Number ? TwoLevels() : null);
        }
        return new GridLinear(format, rows, columns, packed, Numbers(), zeros,
            format.Offset == GridOffset.Number ? Numbers() : []);
    }
}
