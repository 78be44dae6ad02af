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
        for (byte* end = row + layout.BitTailStart / 4; row != end; row += 64, bits += 32, q += 256, unit += 256 / TUnit.Size)
        {
            Fetch(row);
            Fetch(bits);
            var third = Vector256.Load(bits);
            sum = AddBlock<TUnit>(sum, Vector256.Load(row), third, q, unit);
            sum = AddBlock<TUnit>(sum, Vector256.Load(row + 32), Down(third, 4), q + 128, unit + 128 / TUnit.Size);
        }
        if (layout.BitTailStart != layout.TailStart)
        {
            sum = TwoBits.AddBlock<TUnit>(sum, Vector256.Load(row), q, unit);
            row += 32;
        }
        return AddBitTail(TwoBits.AddTail(sum, row, scales, x, layout), bits, scales, x, layout);
    }

    // Bits 0 … 3 of third are the third bits of the block's four parts; each goes beside the two bits where they stand.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> AddBlock<TUnit>(Vector256<float> sum, Vector256<byte> v, Vector256<byte> third, sbyte* q, float* unit)
        where TUnit : struct, IPackedUnit
    {
        Vector256<byte> first = Vector256.Create((byte)3), second = Vector256.Create((byte)12), four = Vector256.Create((byte)4), sixteen = Vector256.Create((byte)16);
        var w = Down(v, 4);
        var s0 = Pairs((v & first) | (Up(third, 2) & four), q);
        var s1 = Pairs((v & second) | (Up(third, 3) & sixteen), q + 32);
        var s2 = Pairs((w & first) | (third & four), q + 64);
        var s3 = Pairs((w & second) | (Up(third, 1) & sixteen), q + 96);
        return TwoBits.Join<TUnit>(sum, s0, s1, s2, s3, unit);
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
