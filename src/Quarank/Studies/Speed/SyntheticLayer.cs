using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Quarank.Checkpoints;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Numerics.Trellis;

namespace Quarank.Studies.Speed;

/// <summary>The tensors of layers of any form, filled with random codes; as the forms' own classes save them, and made only when they are read.</summary>
/// <param name="type">The number type of dense parts.</param>
/// <param name="seed">The same seed gives the same bytes.</param>
internal sealed class SyntheticLayer(ElementType type, ulong seed)
{
    /// <summary>Random numbers are drawn from tables of so many, 12 bits each.</summary>
    private const int Table = 4096;

    /// <summary>The tensors of a rows × columns layer under <paramref name="name"/>. Its weights have a spread of about 1 / √columns.</summary>
    /// <exception cref="NotSupportedException">The form has no synthetic tensors.</exception>
    public IEnumerable<StoredTensor> Tensors(string name, LinearFormat format, int rows, int columns) => format switch
    {
        DenseFormat => [Dense($"{name}.weight", 1 / Math.Sqrt(columns), rows, columns)],
        GridFormat g => Grid(name, g, rows, columns),
        CodebookFormat c => Codebook(name, c, rows, columns),
        ProductFormat p => [.. Tensors($"{name}.L", p.Left, rows, p.Rank), .. Tensors($"{name}.R", p.Right, p.Rank, columns)],
        LatticeFormat l => Lattice(name, l, rows, columns),
        TrellisFormat t => Trellis(name, t, rows, columns),
        TransformedFormat t => [StoredTensor.FromValues($"{name}.seed", [(int)SeedOf(name)], 1), .. Tensors($"{name}.inner", t.Inner, rows, columns)],
        QuantizedInputFormat q => [StoredTensor.FromValues($"{name}.range", [1f], 1), .. Tensors($"{name}.inner", q.Inner, rows, columns)],
        SumFormat s => s.Terms.SelectMany((t, i) => Tensors($"{name}.{SumFormat.NameOf(i)}", t, rows, columns)),
        _ => throw new NotSupportedException($"{name}: no synthetic tensors for {format.GetType().Name}."),
    };

    /// <summary>Numbers spread evenly around zero.</summary>
    public StoredTensor Dense(string name, double spread, params long[] shape) => Numbers(name, type, shape, -spread * Math.Sqrt(3), spread * Math.Sqrt(3));

    /// <summary>Numbers spread evenly from <paramref name="least"/> to <paramref name="most"/>.</summary>
    public StoredTensor Numbers(string name, ElementType type, long[] shape, double least, double most)
    {
        var values = new float[Table];
        for (int i = 0; i < Table; i++) values[i] = (float)(least + (most - least) * (i + 0.5) / Table);
        byte[] bytes = StoredTensor.FromFloats(name, type, values, Table).ReadBytes();
        if (type == ElementType.F32)
        {
            uint[] singles = MemoryMarshal.Cast<byte, uint>(bytes).ToArray();
            return new RandomTensor(name, type, shape, SeedOf(name), r => singles[r % Table] | (ulong)singles[r / Table % Table] << 32);
        }
        ushort[] halves = MemoryMarshal.Cast<byte, ushort>(bytes).ToArray();
        return new RandomTensor(name, type, shape, SeedOf(name), r =>
            halves[r & 0xFFF] | (ulong)halves[(r >> 12) & 0xFFF] << 16 | (ulong)halves[(r >> 24) & 0xFFF] << 32 | (ulong)halves[(r >> 36) & 0xFFF] << 48);
    }

    private IEnumerable<StoredTensor> Grid(string name, GridFormat format, int rows, int columns)
    {
        // Even codes 0 … 2^b − 1 have a spread of 2^b / √12.
        double step = Math.Sqrt(12.0 / columns) / (1 << format.Bits);
        yield return Codes($"{name}.codes", format.Bits, rows, columns);
        yield return Scales($"{name}.scales", format, rows, columns, step);
        if (format.Offset == GridOffset.Number)
        {
            double middle = -step * format.MaxCode / 2;
            yield return Numbers($"{name}.offsets", TypeOf(format.Scales), format.ScaleShape(rows, columns), 1.25 * middle, 0.75 * middle);
        }
        if (format.Offset == GridOffset.ZeroPoint)
        {
            int count = format.ScaleCount(rows, columns), bytes = BitPacking.ByteCount(count, format.Bits);
            yield return new LazyTensor($"{name}.zeros", ElementType.U8, [bytes], () => PackedZeros(SeedOf(name), format.Bits, count, bytes));
        }
    }

    private IEnumerable<StoredTensor> Codebook(string name, CodebookFormat format, int rows, int columns)
    {
        int count = 1 << format.Bits;
        yield return Codes($"{name}.codes", format.Bits, rows, columns);
        yield return Scales($"{name}.scales", format.Layout, rows, columns, Math.Sqrt(3.0 / columns));
        yield return StoredTensor.FromValues($"{name}.levels", [.. Enumerable.Range(0, count).Select(i => Bent((2f * i + 1) / count - 1))], count);

        // Uneven steps, finer around zero, as tables for normal weights have them.
        static float Bent(float x) => (x + x * x * x) / 2;
    }

    private IEnumerable<StoredTensor> Lattice(string name, LatticeFormat format, int rows, int columns)
    {
        long[] shape = [rows, LatticeFormat.GroupsOf(columns)];
        yield return new RandomTensor($"{name}.codes", ElementType.U16, shape, SeedOf($"{name}.codes"), r => r);
        if (format.Bits > 2)
            yield return new RandomTensor($"{name}.residual", format.Bits == 3 ? ElementType.U8 : ElementType.U16, shape, SeedOf($"{name}.residual"), r => r);
        // All points of the book together have a mean square of 1.196.
        yield return StoredTensor.FromValues($"{name}.scale", [(float)(1 / Math.Sqrt(1.196 * columns))], 1);
    }

    private IEnumerable<StoredTensor> Trellis(string name, TrellisFormat format, int rows, int columns)
    {
        var code = TrellisCode.Of(format.Bits, format.StateBits);
        yield return new RandomTensor($"{name}.rings", ElementType.U8,
            [TrellisMatrix.PanelsOf(rows), TrellisMatrix.PairsOf(columns), TrellisPacking.BytesOf(code.SymbolBits)], SeedOf($"{name}.rings"), r => r);
        yield return StoredTensor.FromValues($"{name}.scale", [(float)(code.BestScale / Math.Sqrt(columns))], 1);
    }

    private StoredTensor Scales(string name, GridFormat format, int rows, int columns, double step) =>
        Numbers(name, TypeOf(format.Scales), format.ScaleShape(rows, columns), 0.75 * step, 1.25 * step);

    private StoredTensor Codes(string name, int bits, int rows, int columns)
    {
        int bytes = BitPacking.ByteCount(columns, bits);
        ulong own = SeedOf(name);
        if ((long)columns * bits == 8L * bytes) return new RandomTensor(name, ElementType.U8, [rows, bytes], own, r => r);

        // The last bits of a row are unused and stay zero, as packing leaves them.
        return new LazyTensor(name, ElementType.U8, [rows, bytes], () =>
        {
            var (packed, codes, random) = (new byte[checked(rows * bytes)], new byte[columns], new Random((int)own));
            for (int i = 0; i < rows; i++)
            {
                random.NextBytes(codes);
                foreach (ref byte code in codes.AsSpan()) code &= (byte)((1 << bits) - 1);
                BitPacking.Pack(codes, bits, packed.AsSpan(i * bytes, bytes));
            }
            return packed;
        });
    }

    /// <summary>Zero-points at the two middle codes.</summary>
    private static byte[] PackedZeros(ulong seed, int bits, int count, int bytes)
    {
        var (zeros, packed, random) = (new byte[count], new byte[bytes], new Random((int)seed));
        foreach (ref byte zero in zeros.AsSpan()) zero = (byte)((1 << (bits - 1)) - random.Next(2));
        BitPacking.Pack(zeros, bits, packed);
        return packed;
    }

    private ulong SeedOf(string name) => seed ^ BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(name)));

    private static ElementType TypeOf(ScaleType scales) => scales == ScaleType.Bits16 ? ElementType.F16 : ElementType.F32;
}
