using FsCheck;
using FsCheck.Fluent;
using Quarank.Checkpoints;
using Xunit;

namespace Quarank.Tests.Checkpoints;

public class StoredTensorTests
{
    [Fact]
    public void Every_half_and_every_bfloat16_survives_as_a_float()
    {
        var bits = Enumerable.Range(0, 65536).Select(i => (ushort)i).ToArray();
        var bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes(bits.AsSpan()).ToArray();

        float[] halves = StoredTensor.FromBytes("h", ElementType.F16, bytes, 256, 256).ReadAll();
        Assert.Equal(bits.Select(b => (float)BitConverter.UInt16BitsToHalf(b)), halves);
        float[] brains = StoredTensor.FromBytes("b", ElementType.BF16, bytes, 256, 256).ReadAll();
        Assert.Equal(bits.Select(b => BitConverter.UInt32BitsToSingle((uint)b << 16)), brains);

        // What was exact must come back bit for bit; NaNs need only stay NaNs.
        foreach (var (type, values) in new[] { (ElementType.F16, halves), (ElementType.BF16, brains) })
        {
            var back = StoredTensor.FromFloats("x", type, values, 65536).ReadArray16();
            for (int i = 0; i < bits.Length; i++) Assert.True(back[i] == bits[i] || float.IsNaN(values[i]), $"{type} {bits[i]:x4} → {back[i]:x4}");
            Assert.All(StoredTensor.FromFloats("x", type, [float.NaN, -float.NaN], 2).ReadAll(), v => Assert.True(float.IsNaN(v)));
        }
    }

    [Fact]
    public void Floats_are_rounded_to_the_nearest_BF16_and_ties_to_even()
    {
        // Doubles hold both neighbours and their distances exactly.
        Prop.ForAll(ArbMap.Default.ArbFor<float>().Filter(float.IsFinite), value =>
        {
            uint bits = BitConverter.SingleToUInt32Bits(value);
            uint down = bits & 0xFFFF0000, up = down + 0x10000;
            double below = Math.Abs((double)value) - Magnitude(down), above = Magnitude(up) - Math.Abs((double)value);
            uint expected = below < above || (below == above && (down >> 16) % 2 == 0) ? down : up;
            return (ushort)(expected >> 16) == StoredTensor.FromFloats("x", ElementType.BF16, [value], 1).ReadArray16()[0];
        }).QuickCheckThrowOnFailure();

        // The value after the largest finite one counts as 2¹²⁸, where infinity begins.
        static double Magnitude(uint bits) =>
            (bits & 0x7FFFFFFF) == 0x7F800000 ? Math.Pow(2, 128) : Math.Abs((double)BitConverter.UInt32BitsToSingle(bits));
    }

    [Fact]
    public void Rows_are_a_window_of_all_values_for_every_type_and_range()
    {
        var random = new Random(3);
        float[] values = [.. Enumerable.Range(0, 7 * 5).Select(_ => random.NextSingle() - 0.5f)];
        foreach (var type in (ElementType[])[ElementType.F64, ElementType.F32, ElementType.F16, ElementType.BF16])
        {
            var tensor = StoredTensor.FromFloats("w", type, values, 7, 5);
            float[] all = tensor.ReadAll();
            for (int first = 0; first <= 7; first++)
                for (int count = 0; count <= 7 - first; count++)
                {
                    var rows = new float[count * 5];
                    tensor.ReadRows(first, count, rows);
                    Assert.Equal(all[(first * 5)..((first + count) * 5)], rows);
                }
            // Values below ½ lie at most 2⁻¹² apart in F16 and 2⁻⁹ in BF16; rounding to nearest errs by half of that.
            double error = type switch { ElementType.F16 => Math.Pow(2, -13), ElementType.BF16 => Math.Pow(2, -10), _ => 0 };
            Assert.All(values.Zip(all), p => Assert.InRange(Math.Abs((double)p.First - p.Second), 0, error));
        }
    }

    [Fact]
    public void Long_tensors_are_converted_whole()
    {
        // More than two pieces of the converter, and not a whole number of them.
        var values = new Half[150_001];
        for (int i = 0; i < values.Length; i++) values[i] = (Half)(i % 2048);
        Assert.Equal(Enumerable.Range(0, values.Length).Select(i => (float)(i % 2048)), StoredTensor.FromValues("x", values, values.Length).ReadAll());
    }

    [Fact]
    public void Rows_and_columns_see_a_vector_and_a_scalar_as_one_row()
    {
        Assert.Equal((3, 2), Size(new float[6], 3, 2));
        Assert.Equal((1, 6), Size(new float[6], 6));
        Assert.Equal((1, 1), Size(new float[1]));
        Assert.Equal((0, 4), Size([], 0, 4));
        Assert.Contains("shape [1, 2, 3]", Assert.Throws<InvalidDataException>(() => Size(new float[6], 1, 2, 3)).Message);

        static (int, int) Size(float[] values, params long[] shape)
        {
            var t = StoredTensor.FromValues("t", values, shape);
            return (t.Rows, t.Columns);
        }
    }

    [Fact]
    public void What_cannot_be_read_as_floats_is_refused_by_name()
    {
        var ids = StoredTensor.FromValues("ids", [1, 2, 3], 3);
        Assert.Equal("tensor 'ids': expected floating-point values (F64, F32, F16, BF16), found I32.",
                     Assert.Throws<InvalidDataException>(() => ids.ReadAll()).Message);
        var tiny = StoredTensor.FromBytes("w", ElementType.F8E4M3, new byte[4], 4);
        Assert.Contains("'w' is F8_E4M3; 8-bit floats are not supported yet", Assert.Throws<NotSupportedException>(() => tiny.ReadAll()).Message);
        Assert.Contains("expected F64, found I32", Assert.Throws<InvalidDataException>(() => ids.ReadArray<double>()).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => ids.ReadBytes(9, new byte[4]));
        Assert.Throws<ArgumentException>(() => StoredTensor.FromValues("x", new float[5], 2, 3));
        Assert.Throws<ArgumentException>(() => StoredTensor.FromFloats("x", ElementType.I8, new float[6], 2, 3));
    }

    [Fact]
    public void Bytes_can_be_read_from_any_place()
    {
        var tensor = StoredTensor.FromValues("x", [0x0706050403020100L, 0x0F0E0D0C0B0A0908L], 2);
        for (int offset = 0; offset <= 16; offset++)
            for (int length = 0; length <= 16 - offset; length++)
            {
                var bytes = new byte[length];
                tensor.ReadBytes(offset, bytes);
                Assert.Equal(Enumerable.Range(offset, length).Select(i => (byte)i), bytes);
            }
    }

    [Fact]
    public void Views_share_their_tensors_and_refuse_duplicates()
    {
        var all = new StoredTensors();
        all.Under("model").Under("mlp").Add("codes", StoredTensor.FromValues("codes", new byte[3], 3));
        all.Add("head", StoredTensor.FromValues("anything", new float[1]));

        Assert.Equal(["head", "model.mlp.codes"], all.Names);
        Assert.Equal(["model.mlp.codes", "head"], all.All.Select(t => t.Name).OrderDescending());
        Assert.Equal(["mlp.codes"], all.Under("model").Names);
        Assert.True(all.Under("model.mlp").Contains("codes"));
        Assert.Throws<ArgumentException>(() => all.Add("model.mlp.codes", StoredTensor.FromValues("x", new byte[1], 1)));
        Assert.Contains("'model.mlp.scales' is missing", Assert.Throws<InvalidDataException>(() => all.Under("model.mlp")["scales"]).Message);
    }
}

file static class Stored16
{
    public static ushort[] ReadArray16(this StoredTensor tensor) =>
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ushort>(tensor.ReadBytes()).ToArray();
}
