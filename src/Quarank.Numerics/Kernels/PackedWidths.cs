using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static Quarank.Numerics.Kernels.PackedLanes;

namespace Quarank.Numerics.Kernels;

/// <summary>The sum over a row for codes of one width.</summary>
internal unsafe interface IPackedWidth
{
    /// <summary>sum + Σ over units of scale · Σ (code − base) · q, in eight lanes. Up to 31 bytes behind the row are read.</summary>
    /// <param name="scales">One per unit of <typeparamref name="TUnit"/> columns.</param>
    static abstract Vector256<float> AddRow<TUnit>(Vector256<float> sum, byte* row, float* scales, in PackedInput x, PackedLayout layout)
        where TUnit : struct, IPackedUnit;
}

/// <summary>Columns that share both scales, as a constant to the compiler.</summary>
internal interface IPackedUnit
{
    static abstract int Size { get; }
}

internal readonly struct Unit32 : IPackedUnit
{
    public static int Size => 32;
}

internal readonly struct Unit64 : IPackedUnit
{
    public static int Size => 64;
}

internal readonly struct Unit128 : IPackedUnit
{
    public static int Size => 128;
}

internal readonly unsafe struct FourBits : IPackedWidth
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> AddRow<TUnit>(Vector256<float> sum, byte* row, float* scales, in PackedInput x, PackedLayout layout)
        where TUnit : struct, IPackedUnit
    {
        var mask = Vector256.Create((byte)15);
        sbyte* q = x.Codes;
        float* unit = scales;
        for (byte* end = row + layout.TailStart / 128 * 64; row != end; row += 64, q += 128, unit += 128 / TUnit.Size)
        {
            Fetch(row);
            Vector256<byte> v = Vector256.Load(row), w = Vector256.Load(row + 32);
            var (s0, s1) = (Pairs(v & mask, q), Pairs(Down(v, 4) & mask, q + 32));
            var (s2, s3) = (Pairs(w & mask, q + 64), Pairs(Down(w, 4) & mask, q + 96));
            if (TUnit.Size == 128) sum = Add(sum, Quads(s0 + s1 + (s2 + s3)), unit[0]);
            else if (TUnit.Size == 64) sum = Add(Add(sum, Quads(s0 + s1), unit[0]), Quads(s2 + s3), unit[1]);
            else sum = Add(Add(Add(Add(sum, Quads(s0), unit[0]), Quads(s1), unit[1]), Quads(s2), unit[2]), Quads(s3), unit[3]);
        }
        if ((layout.TailStart & 64) != 0)
        {
            var v = Vector256.Load(row);
            var (s0, s1) = (Pairs(v & mask, q), Pairs(Down(v, 4) & mask, q + 32));
            if (TUnit.Size == 32) sum = Add(Add(sum, Quads(s0), unit[0]), Quads(s1), unit[1]);
            else sum = Add(sum, Quads(s0 + s1), unit[0]);
            row += 32;
        }
        sbyte* tail = x.Tail;
        foreach (var segment in layout.TailSegments)
        {
            var v = Vector256.Load(row);
            sum = Add(sum, Quads(Pairs(v & mask, tail) + Pairs(Down(v, 4) & mask, tail + 32)), scales[segment.Unit]);
            tail += 64;
        }
        return sum;
    }
}

internal readonly unsafe struct TwoBits : IPackedWidth
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> AddRow<TUnit>(Vector256<float> sum, byte* row, float* scales, in PackedInput x, PackedLayout layout)
        where TUnit : struct, IPackedUnit
    {
        sbyte* q = x.Codes;
        float* unit = scales;
        Vector256<byte> first = Vector256.Create((byte)3), second = Vector256.Create((byte)12);
        // A line holds two blocks, which share the prefetch and the loop.
        for (byte* end = row + layout.TailStart / 256 * 64; row != end; row += 64, q += 256, unit += 256 / TUnit.Size)
        {
            Fetch(row);
            sum = AddBlock<TUnit>(sum, Vector256.Load(row), q, unit, first, second);
            sum = AddBlock<TUnit>(sum, Vector256.Load(row + 32), q + 128, unit + 128 / TUnit.Size, first, second);
        }
        if ((layout.TailStart & 128) != 0)
        {
            sum = AddBlock<TUnit>(sum, Vector256.Load(row), q, unit, first, second);
            row += 32;
        }
        return AddTail(sum, row, scales, x, layout);
    }

    /// <summary>A stripe: 128 columns. The second and fourth codes of a byte are taken in place, four times too large, which saves shifts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> AddBlock<TUnit>(
        Vector256<float> sum, Vector256<byte> v, sbyte* q, float* unit, Vector256<byte> first, Vector256<byte> second) where TUnit : struct, IPackedUnit
    {
        var w = Down(v, 4);
        return Join<TUnit>(sum, Pairs(v & first, q), Pairs(v & second, q + 32), Pairs(w & first, q + 64), Pairs(w & second, q + 96), unit);
    }

    /// <summary>The sums of a block's four parts; the second and the fourth are four times too large.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Join<TUnit>(
        Vector256<float> sum, Vector256<short> s0, Vector256<short> s1, Vector256<short> s2, Vector256<short> s3, float* unit) where TUnit : struct, IPackedUnit
    {
        if (TUnit.Size == 128) return Add(sum, Quads(s0 + s2 + (s1 + s3 >> 2)), unit[0]);
        if (TUnit.Size == 64) return Add(Add(sum, Quads(s0 + (s1 >> 2)), unit[0]), Quads(s2 + (s3 >> 2)), unit[1]);
        return Add(Add(Add(Add(sum, Quads(s0), unit[0]), Quads(s1 >> 2), unit[1]), Quads(s2), unit[2]), Quads(s3 >> 2), unit[3]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> AddTail(Vector256<float> sum, byte* row, float* scales, in PackedInput x, PackedLayout layout)
    {
        var mask = Vector256.Create((byte)3);
        sbyte* tail = x.Tail;
        foreach (var segment in layout.TailSegments)
        {
            var v = Vector256.Load(row);
            var s = Pairs(v & mask, tail) + Pairs(Down(v, 2) & mask, tail + 32) + (Pairs(Down(v, 4) & mask, tail + 64) + Pairs(Down(v, 6) & mask, tail + 96));
            sum = Add(sum, Quads(s), scales[segment.Unit]);
            tail += 128;
        }
        return sum;
    }
}

internal readonly unsafe struct EightBits : IPackedWidth
{
    // The bytes behind a row meet zeros.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> AddRow<TUnit>(Vector256<float> sum, byte* row, float* scales, in PackedInput x, PackedLayout layout)
        where TUnit : struct, IPackedUnit
    {
        sbyte* q = x.Codes;
        byte* end = row + layout.Columns;
        for (; row <= end - TUnit.Size; row += TUnit.Size, q += TUnit.Size, scales++)
        {
            Fetch(row);
            if (TUnit.Size > 64) Fetch(row + 64);
            var s = Part(row, q);
            if (TUnit.Size > 32) s += Part(row + 32, q + 32);
            if (TUnit.Size > 64) s += Part(row + 64, q + 64) + Part(row + 96, q + 96);
            sum = Add(sum, s, scales[0]);
        }
        if (row == end) return sum;
        var last = Vector256<int>.Zero;
        for (; row < end; row += 32, q += 32) last += Part(row, q);
        return Add(sum, last, scales[0]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Part(byte* row, sbyte* q) => Quads(SignedPairs((Vector256.Load(row) ^ Vector256.Create((byte)128)).AsSByte(), q));
}
