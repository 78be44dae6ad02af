using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static Quarank.Numerics.Kernels.PackedLanes;

namespace Quarank.Numerics.Kernels;

/// <summary>A plane of two bits, then a plane of one bit in stripes of 256 columns: two blocks share a stripe of the latter.</summary>
internal readonly unsafe struct ThreeBits : IPackedWidth
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> AddRow<TUnit>(Vector256<float> sum, byte* row, float* scales, in PackedInput x, PackedLayout layout)
        where TUnit : struct, IPackedUnit
    {
        sbyte* q = x.Codes;
        float* unit = scales;
        byte* bits = row + layout.BitPlane;
        Vector256<byte> pairs = Vector256.Create((byte)0x33), nibble = Vector256.Create((byte)15);
        var even = Vector256.Create(Vector128.Create((byte)0, 4, 0, 4, 64, 68, 64, 68, 0, 4, 0, 4, 64, 68, 64, 68));
        var odd = Vector256.Create(Vector128.Create((byte)0, 0, 4, 4, 0, 0, 4, 4, 64, 64, 68, 68, 64, 64, 68, 68));
        for (byte* end = row + layout.BitTailStart / 4; row != end; row += 64, bits += 32, q += 256, unit += 256 / TUnit.Size)
        {
            Fetch(row);
            Fetch(bits);
            var third = Vector256.Load(bits);
            sum = AddBlock<TUnit>(sum, Vector256.Load(row), third & nibble, q, unit, pairs, nibble, even, odd);
            sum = AddBlock<TUnit>(sum, Vector256.Load(row + 32), Down(third, 4) & nibble, q + 128, unit + 128 / TUnit.Size, pairs, nibble, even, odd);
        }
        if (layout.BitTailStart != layout.TailStart)
        {
            sum = TwoBits.AddBlock<TUnit>(sum, Vector256.Load(row), q, unit, Vector256.Create((byte)3), Vector256.Create((byte)12));
            row += 32;
        }
        return AddBitTail(TwoBits.AddTail(sum, row, scales, x, layout), bits, scales, x, layout);
    }

    // A nibble of the stripe holds the third bits of a byte's four codes. Two look-ups put them where the codes' two bits, taken apart into
    // every other pair, leave room for them: first and third code, second and fourth.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> AddBlock<TUnit>(
        Vector256<float> sum, Vector256<byte> v, Vector256<byte> third, sbyte* q, float* unit,
        Vector256<byte> pairs, Vector256<byte> nibble, Vector256<byte> even, Vector256<byte> odd)
        where TUnit : struct, IPackedUnit
    {
        var a = (v & pairs) | LookUp(even, third);
        var b = (Down(v, 2) & pairs) | LookUp(odd, third);
        var (s0, s1) = (Pairs(a & nibble, q), Pairs(b & nibble, q + 32));
        var (s2, s3) = (Pairs(Down(a, 4) & nibble, q + 64), Pairs(Down(b, 4) & nibble, q + 96));
        if (TUnit.Size == 128) return Add(sum, Quads(s0 + s1 + (s2 + s3)), unit[0]);
        if (TUnit.Size == 64) return Add(Add(sum, Quads(s0 + s1), unit[0]), Quads(s2 + s3), unit[1]);
        return Add(Add(Add(Add(sum, Quads(s0), unit[0]), Quads(s1), unit[1]), Quads(s2), unit[2]), Quads(s3), unit[3]);
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
