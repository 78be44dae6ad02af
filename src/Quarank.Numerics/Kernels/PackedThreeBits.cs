using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static Quarank.Numerics.Kernels.PackedLanes;

namespace Quarank.Numerics.Kernels;

/// <summary>Blocks of 256 columns in the order of <see cref="PackedTriples"/>, then what is left of a plane of two bits and of one.</summary>
internal readonly unsafe struct ThreeBits : IPackedWidth
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> AddRow<TUnit>(Vector256<float> sum, byte* row, float* scales, in PackedInput x, PackedLayout layout)
        where TUnit : struct, IPackedUnit
    {
        sbyte* q = x.Codes;
        float* unit = scales;
        Vector256<byte> first = Vector256.Create((byte)7), second = Vector256.Create((byte)0x38);
        for (byte* end = row + layout.Triples * PackedTriples.Bytes; row != end; row += PackedTriples.Bytes, q += 256, unit += 256 / TUnit.Size)
        {
            Fetch(row);
            Fetch(row + 64);
            sum = AddBlock<TUnit>(sum, row, q, unit, first, second);
        }
        return AddRest<TUnit>(sum, row, q, unit, scales, x, layout);
    }

    // Odd parts are taken in place, eight times too large: two such sums of pairs stay below 2 · 2 · 56 · 127 < 2^15.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> AddBlock<TUnit>(
        Vector256<float> sum, byte* block, sbyte* q, float* unit, Vector256<byte> first, Vector256<byte> second) where TUnit : struct, IPackedUnit
    {
        Vector256<byte> a = Vector256.Load(block), b = Vector256.Load(block + 32), c = Vector256.Load(block + 64), d = PackedTriples.Joined(a, b, c);
        sum = Join<TUnit>(sum, Pairs(a & first, q), Pairs(a & second, q + 32), Pairs(b & first, q + 64), Pairs(b & second, q + 96), unit);
        return Join<TUnit>(
            sum, Pairs(c & first, q + 128), Pairs(c & second, q + 160), Pairs(d & first, q + 192), Pairs(d & second, q + 224), unit + 128 / TUnit.Size);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Join<TUnit>(
        Vector256<float> sum, Vector256<short> s0, Vector256<short> s1, Vector256<short> s2, Vector256<short> s3, float* unit) where TUnit : struct, IPackedUnit
    {
        if (TUnit.Size == 128) return Add(sum, Quads(s0 + s2 + (s1 + s3 >> 3)), unit[0]);
        if (TUnit.Size == 64) return Add(Add(sum, Quads(s0 + (s1 >> 3)), unit[0]), Quads(s2 + (s3 >> 3)), unit[1]);
        return Add(Add(Add(Add(sum, Quads(s0), unit[0]), Quads(s1 >> 3), unit[1]), Quads(s2), unit[2]), Quads(s3 >> 3), unit[3]);
    }

    // Half a block may be left of which only the plane of two bits has a whole stripe.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> AddRest<TUnit>(
        Vector256<float> sum, byte* row, sbyte* q, float* unit, float* scales, in PackedInput x, PackedLayout layout) where TUnit : struct, IPackedUnit
    {
        byte* bits = row + layout.BitRest;
        if (layout.BitTailStart != layout.TailStart)
        {
            sum = TwoBits.AddBlock<TUnit>(sum, Vector256.Load(row), q, unit, Vector256.Create((byte)3), Vector256.Create((byte)12));
            row += 32;
        }
        return AddBitTail(TwoBits.AddTail(sum, row, scales, x, layout), bits, scales, x, layout);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> AddBitTail(Vector256<float> sum, byte* bits, float* scales, in PackedInput x, PackedLayout layout)
    {
        var first = Vector256.Create((byte)1);
        sbyte* tail = x.BitTail;
        foreach (var segment in layout.BitTailSegments)
        {
            var v = Vector256.Load(bits);
            var s = Pairs(v & first, tail) + Pairs(Down(v, 1) & first, tail + 32) + (Pairs(Down(v, 2) & first, tail + 64) + Pairs(Down(v, 3) & first, tail + 96));
            s += Pairs(Down(v, 4) & first, tail + 128) + Pairs(Down(v, 5) & first, tail + 160) + (Pairs(Down(v, 6) & first, tail + 192) + Pairs(Down(v, 7) & first, tail + 224));
            sum = Add(sum, Quads(s), 4 * scales[segment.Unit]);
            tail += 256;
        }
        return sum;
    }
}
