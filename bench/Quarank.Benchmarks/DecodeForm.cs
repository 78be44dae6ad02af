using Quarank.Numerics;
using Quarank.Numerics.Kernels;
using Quarank.Numerics.Lattice;
using Quarank.Numerics.Trellis;

namespace Quarank.Benchmarks;

/// <summary>A stored form with random numbers in it, for <see cref="DecodeBenchmark"/>.</summary>
internal sealed record DecodeForm(string Name, Func<int, int, DecodeForm.Layer> Make)
{
    /// <summary>A layer, the bytes a product streams, and how to get another one with its numbers elsewhere in memory.</summary>
    public sealed record Layer(long Bytes, Product Multiply, Func<Layer> Copy);

    public delegate void Product(ReadOnlySpan<float> x, Span<float> y);

    public static readonly DecodeForm[] All =
    [
        .. new[] { (8, 0), (8, 128), (4, 0), (4, 128), (4, 64), (4, 32), (3, 0), (3, 128), (2, 0), (2, 128), (2, 64) }
            .Select(f => new DecodeForm($"{f.Item1} bits, {(f.Item2 == 0 ? "row" : "group " + f.Item2)}", (rows, columns) => Grid(rows, columns, f.Item1, f.Item2, Codes(rows, columns, f.Item1)))),
        new("LoRDQ 2.0 bits", LowRank),
        .. new[] { (4, 0), (4, 128), (3, 128), (2, 128), (1, 128) }
            .Select(f => new DecodeForm($"codebook {f.Item1} bits, {(f.Item2 == 0 ? "row" : "group " + f.Item2)}", (rows, columns) => Codebook(rows, columns, f.Item1, f.Item2, Codes(rows, columns, f.Item1)))),
        new("float16", (rows, columns) => Halves(rows, columns, false, HalfCodes(rows, columns))),
        new("bfloat16", (rows, columns) => Halves(rows, columns, true, HalfCodes(rows, columns))),
        .. new[] { (8, 128), (4, 0), (4, 128), (3, 128), (2, 128) }
            .Select(f => new DecodeForm($"{f.Item1} bits, {(f.Item2 == 0 ? "row" : "group " + f.Item2)}, floats", (rows, columns) => Grid(rows, columns, f.Item1, f.Item2, Codes(rows, columns, f.Item1), true))),
        .. new[] { (2, false), (2, true), (3, false), (3, true), (4, false), (4, true) }
            .Select(f => new DecodeForm($"lattice {f.Item1} bits{(f.Item2 ? ", floats" : "")}", (rows, columns) => Lattice(rows, columns, f.Item1, Pairs(rows, columns), f.Item2))),
        .. new[] { (1.5, false), (2, false), (2, true), (2.5, false), (3, false), (4, false), (4, true) }
            .Select(f => new DecodeForm(FormattableString.Invariant($"trellis {f.Item1} bits{(f.Item2 ? ", floats" : "")}"), (rows, columns) => Trellis(rows, columns, f.Item1, Rings(rows, columns, f.Item1), f.Item2))),
    ];

    private static Layer Trellis(int rows, int columns, double bits, byte[] rings, bool floats)
    {
        var code = TrellisCode.Of(bits, TrellisCode.UsualStateBits(bits));
        var matrix = new TrellisMatrix(code, rows, columns, rings, 1e-4f);
        return new(rings.LongLength, floats ? matrix.MultiplyFloat : (Product)matrix.Multiply, () => Trellis(rows, columns, bits, (byte[])rings.Clone(), floats));
    }

    private static byte[] Rings(int rows, int columns, double bits)
    {
        byte[] rings = new byte[TrellisMatrix.PanelsOf(rows) * TrellisMatrix.PairsOf(columns) * TrellisPacking.BytesOf((int)(2 * bits))];
        new Random(2).NextBytes(rings);
        return rings;
    }

    public static float[] Input(int columns)
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, columns).Select(_ => random.NextSingle() - 0.5f)];
    }

    private static Layer Grid(int rows, int columns, int bits, int group, byte[] codes, bool floats = false)
    {
        int groups = group == 0 ? 1 : columns / group;
        var scales = new float[rows * groups];
        Array.Fill(scales, 0.01f);
        var matrix = new PackedMatrix(rows, columns, bits, group == 0 ? columns : group, codes, scales, group != 0, PackedOffset.Middle, [], []);
        return new(codes.LongLength + (group == 0 ? 4L : 2L) * scales.Length, floats ? matrix.MultiplyFloat : (Product)matrix.Multiply, () => Grid(rows, columns, bits, group, (byte[])codes.Clone(), floats));
    }

    private static Layer Lattice(int rows, int columns, int bits, ushort[] codes, bool floats)
    {
        ushort[] second = bits switch { 2 => [], 3 => Array.ConvertAll(codes, c => (ushort)(c & 255)), _ => codes };
        var matrix = new LatticeMatrix(LatticeBook.Of(bits), rows, columns, codes, second, 0.01f);
        return new((long)bits * codes.LongLength, floats ? matrix.MultiplyFloat : (Product)matrix.Multiply, () => Lattice(rows, columns, bits, codes, floats));
    }

    private static Layer Codebook(int rows, int columns, int bits, int group, byte[] codes)
    {
        var scales = new float[rows * (group == 0 ? 1 : columns / group)];
        Array.Fill(scales, 0.01f);
        float[] levels = [.. Enumerable.Range(0, 1 << bits).Select(i => i - 0.5f * (1 << bits))];
        var matrix = PackedMatrix.OfLevels(rows, columns, bits, group == 0 ? columns : group, codes, scales, group != 0, levels);
        return new(codes.LongLength + (group == 0 ? 4L : 2L) * scales.Length, matrix.Multiply, () => Codebook(rows, columns, bits, group, (byte[])codes.Clone()));
    }

    private static Layer Halves(int rows, int columns, bool bfloat, ushort[] codes)
    {
        var matrix = new HalfMatrix(rows, columns, codes, bfloat);
        return new(2L * codes.LongLength, matrix.Multiply, () => Halves(rows, columns, bfloat, (ushort[])codes.Clone()));
    }

    // Two 4-bit factors of together 2 bits per dense weight: rank · (rows + columns) · 4 = 2 · rows · columns.
    private static Layer LowRank(int rows, int columns)
    {
        int rank = rows * columns / 2 / (rows + columns) / 32 * 32;
        return LowRank(rows, columns, rank, Codes(rows, rank, 4), Codes(rank, columns, 4));
    }

    private static Layer LowRank(int rows, int columns, int rank, byte[] left, byte[] right)
    {
        var p = new PackedMatrix(rows, rank, 4, left, Enumerable.Repeat(0.01f, rank).ToArray(), new float[rank]);
        var q = new PackedMatrix(rank, columns, 4, columns, right, Enumerable.Repeat(0.01f, rank).ToArray(), false, PackedOffset.Number, [], new float[rank]);
        var inner = new float[rank];
        return new(left.LongLength + right.LongLength + 16L * rank, (x, y) =>
        {
            q.Multiply(x, inner);
            p.Multiply(inner, y);
        }, () => LowRank(rows, columns, rank, (byte[])left.Clone(), (byte[])right.Clone()));
    }

    private static ushort[] HalfCodes(int rows, int columns)
    {
        var random = new Random(2);
        var codes = new ushort[rows * columns];
        foreach (ref ushort code in codes.AsSpan()) code = (ushort)random.Next(0x2000, 0x3C00);
        return codes;
    }

    private static ushort[] Pairs(int rows, int columns)
    {
        var codes = new ushort[rows * ((columns + 7) / 8)];
        new Random(2).NextBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(codes.AsSpan()));
        return codes;
    }

    private static byte[] Codes(int rows, int columns, int bits)
    {
        var codes = new byte[(long)rows * BitPacking.ByteCount(columns, bits)];
        new Random(2).NextBytes(codes);
        return codes;
    }
}
