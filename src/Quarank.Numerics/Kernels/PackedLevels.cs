using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// Rows of codes into a table of levels, times an input in signed bytes. Levels are multiples of a step, integers of 12 bits in two halves of
/// six: two look-ups, products of the halves apart, 64 · high + low in 32 bits, all of it exact. Equal to
/// <see cref="PackedLevelsScalar"/> bit for bit.
/// </summary>
internal static unsafe class PackedLevels
{
    /// <inheritdoc cref="PackedDot.Multiply"/>
    public static void Multiply(in PackedRows rows, in PackedInput x, int count, float* y)
    {
        if (!Vector128.IsHardwareAccelerated)
        {
            PackedLevelsScalar.Multiply(rows, x, count, y);
            return;
        }
        switch (rows.Layout.Bits)
        {
            case 1: Multiply<OneBitCodes>(rows, x, count, y); break;
            case 2: Multiply<TwoBitCodes>(rows, x, count, y); break;
            case 3: Multiply<ThreeBitCodes>(rows, x, count, y); break;
            default: Multiply<FourBitCodes>(rows, x, count, y); break;
        }
    }

    private static void Multiply<TCodes>(in PackedRows rows, in PackedInput x, int count, float* y) where TCodes : struct, IPackedCodes
    {
        if (rows.Layout.UnitSize == 128) Run<TCodes, Unit128>(rows, x, count, y);
        else if (rows.Layout.UnitSize == 64) Run<TCodes, Unit64>(rows, x, count, y);
        else Run<TCodes, Unit32>(rows, x, count, y);
        if (rows.Layout.Groups == 1) PackedScales.Finish(rows, x, count, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TCodes, TUnit>(in PackedRows rows, in PackedInput x, int count, float* y)
        where TCodes : struct, IPackedCodes where TUnit : struct, IPackedUnit
    {
        var layout = rows.Layout;
        int blocks = PackedRest.WholeBlocks(layout), rest = layout.Columns - 128 * blocks;
        float* own = stackalloc float[layout.Units + 16];
        byte* codes = stackalloc byte[PackedRest.Room];
        var table = new Table(rows);
        byte* row = rows.Codes;
        for (int i = 0; i < count; i++, row += layout.BytesPerRow)
        {
            float* scales = layout.Groups == 1 ? x.UnitScales : own;
            var sum = layout.Groups == 1 ? Vector256<float>.Zero : PackedScales.Prepare(rows, x, i, own);
            byte* block = row, bits = layout.Bits == 3 ? row + layout.BitPlane : row;
            sbyte* q = x.Codes;
            for (int b = 0; b < blocks; b++)
            {
                PackedLanes.Fetch(TCodes.Step == 0 ? bits : block);
                int shift = 4 * (b & 1);
                Vector256<byte> c0 = TCodes.Part(block, bits, shift, 0), c1 = TCodes.Part(block, bits, shift, 1);
                Vector256<byte> c2 = TCodes.Part(block, bits, shift, 2), c3 = TCodes.Part(block, bits, shift, 3);
                if (TUnit.Size == 128) sum = PackedLanes.Add(sum, table.Two(c0, c1, q) + table.Two(c2, c3, q + 64), scales[0]);
                else if (TUnit.Size == 64) sum = PackedLanes.Add(PackedLanes.Add(sum, table.Two(c0, c1, q), scales[0]), table.Two(c2, c3, q + 64), scales[1]);
                else
                {
                    sum = PackedLanes.Add(PackedLanes.Add(sum, table.One(c0, q), scales[0]), table.One(c1, q + 32), scales[1]);
                    sum = PackedLanes.Add(PackedLanes.Add(sum, table.One(c2, q + 64), scales[2]), table.One(c3, q + 96), scales[3]);
                }
                block += TCodes.Step;
                bits += 32 * (b & 1);
                scales += 128 / TUnit.Size;
                q += 128;
            }
            if (rest > 0)
            {
                // Codes behind the last column meet zeros.
                PackedRest.Unpack(row, layout, 128 * blocks, triples: false, codes);
                for (int first = 0; first < rest; first += TUnit.Size)
                {
                    var unit = Vector256<int>.Zero;
                    for (int j = first; j < Math.Min(first + TUnit.Size, rest); j += 32) unit += table.One(Vector256.Load(codes + j), q + j);
                    sum = PackedLanes.Add(sum, unit, *scales++);
                }
            }
            y[i] = PackedLanes.Total(sum);
        }
    }

    /// <summary>The two halves of the levels, twice each: a look-up sees sixteen bytes.</summary>
    private readonly struct Table(in PackedRows rows)
    {
        private readonly Vector256<byte> _high = Vector256.Create(Vector128.Load(rows.High), Vector128.Load(rows.High));
        private readonly Vector256<byte> _low = Vector256.Create(Vector128.Load(rows.Low), Vector128.Load(rows.Low));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<int> One(Vector256<byte> codes, sbyte* q) =>
            Join(PackedLanes.Pairs(PackedLanes.LookUp(_high, codes), q), PackedLanes.Pairs(PackedLanes.LookUp(_low, codes), q));

        // At most 4 · 63 · 127 in 16 bits.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<int> Two(Vector256<byte> first, Vector256<byte> second, sbyte* q) =>
            Join(PackedLanes.Pairs(PackedLanes.LookUp(_high, first), q) + PackedLanes.Pairs(PackedLanes.LookUp(_high, second), q + 32),
                PackedLanes.Pairs(PackedLanes.LookUp(_low, first), q) + PackedLanes.Pairs(PackedLanes.LookUp(_low, second), q + 32));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector256<int> Join(Vector256<short> high, Vector256<short> low)
        {
            if (Avx2.IsSupported) return Avx2.MultiplyAddAdjacent(high, Vector256.Create((short)64)) + PackedLanes.Quads(low);
            return (PackedLanes.Quads(high) << 6) + PackedLanes.Quads(low);
        }
    }
}

/// <summary><see cref="PackedLevels"/> in plain loops: the same integers in the same lanes, the same float sums in the same order.</summary>
internal static unsafe class PackedLevelsScalar
{
    private const int Lanes = 8, Part = 32;

    /// <inheritdoc cref="PackedDot.Multiply"/>
    public static void Multiply(in PackedRows rows, in PackedInput x, int count, float* y)
    {
        var layout = rows.Layout;
        float* sum = stackalloc float[Lanes], scales = stackalloc float[layout.Units];
        int* lanes = stackalloc int[Lanes];
        byte[] rented = ArrayPool<byte>.Shared.Rent(layout.Columns);
        var codes = rented.AsSpan(0, layout.Columns);
        for (int i = 0; i < count; i++)
        {
            new Span<float>(sum, Lanes).Clear();
            for (int u = 0; u < layout.Units; u++) scales[u] = x.UnitScales[u];
            if (layout.Groups > 1) PackedDotScalar.Prepare(rows, x, i, scales, sum);
            BitPacking.Unpack(new ReadOnlySpan<byte>(rows.Codes + (nint)i * layout.BytesPerRow, layout.BytesPerRow), layout.Bits, codes);
            for (int u = 0; u < layout.Units; u++)
            {
                new Span<int>(lanes, Lanes).Clear();
                for (int j = u * layout.UnitSize; j < Math.Min((u + 1) * layout.UnitSize, layout.Columns); j++)
                    lanes[j % Part / 4] += (64 * rows.High[codes[j]] + rows.Low[codes[j]]) * x.Codes[j];
                for (int l = 0; l < Lanes; l++) sum[l] = MathF.FusedMultiplyAdd(lanes[l], scales[u], sum[l]);
            }
            y[i] = sum[0] + sum[4] + (sum[2] + sum[6]) + (sum[1] + sum[5] + (sum[3] + sum[7]));
        }
        ArrayPool<byte>.Shared.Return(rented);
        if (layout.Groups == 1) PackedScales.Finish(rows, x, count, y);
    }
}
