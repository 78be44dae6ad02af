using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// Σ scale_g · Σ code · x̂ over a packed row, x̂ in signed bytes: sums of 32 columns are exact integers in eight lanes (lane l holds columns
/// 4l … 4l + 3), which join a float sum as soon as a scale changes.
/// </summary>
internal static unsafe class PackedDot
{
    private const int Stripe = 32;

    /// <inheritdoc cref="Of(byte*, float*, ByteInput, PackedLayout)"/>
    public static float Of(ReadOnlySpan<byte> row, ReadOnlySpan<float> scales, ByteInput x, PackedLayout layout)
    {
        if (row.Length < layout.BytesPerRow + Stripe - 1 || scales.Length != layout.Groups)
            throw new ArgumentException($"{row.Length} bytes and {scales.Length} scales are no row of {layout.Columns} columns and what may be read behind it.");
        fixed (byte* r = row)
        fixed (float* s = scales)
            return Of(r, s, x, layout);
    }

    /// <summary>The sum over row <paramref name="row"/>, whose bytes may be read 31 beyond their end.</summary>
    /// <param name="scales">One per group of the row.</param>
    public static float Of(byte* row, float* scales, ByteInput x, PackedLayout layout)
    {
        if (!Vector256.IsHardwareAccelerated) return PackedDotScalar.Of(row, scales, x, layout);
        var sum = layout.Bits switch
        {
            2 => Two(row, scales, x, layout),
            3 => Three(row, scales, x, layout),
            4 => Four(row, scales, x, layout),
            _ => Eight(row, scales, x, layout),
        };
        var half = sum.GetLower() + sum.GetUpper();
        return half[0] + half[2] + (half[1] + half[3]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Vector256<float> Four(byte* row, float* scales, ByteInput x, PackedLayout layout)
    {
        var mask = Vector256.Create((byte)15);
        var sum = Vector256<float>.Zero;
        float* blockScales = x.Scales;
        sbyte* q = x.Codes;
        int group = layout.GroupSize, whole = layout.TailStart / ByteInput.Block;
        for (int b = 0; b < whole; b++, row += 64, q += ByteInput.Block)
        {
            Vector256<byte> v0 = Vector256.Load(row), v1 = Vector256.Load(row + 32);
            var (s0, s1) = (Pairs(v0 & mask, q), Pairs(High(v0, 4) & mask, q + 32));
            var (s2, s3) = (Pairs(v1 & mask, q + 64), Pairs(High(v1, 4) & mask, q + 96));
            sum = Join(sum, s0, s1, s2, s3, blockScales[b], scales, b, group);
        }
        if (layout.TailStart % ByteInput.Block != 0)
        {
            var v0 = Vector256.Load(row);
            sum = JoinHalf(sum, Pairs(v0 & mask, q), Pairs(High(v0, 4) & mask, q + 32), blockScales[whole], scales, whole, group);
            row += 32;
        }
        sbyte* tail = x.Tail;
        foreach (var segment in layout.TailSegments)
        {
            var v0 = Vector256.Load(row);
            sum = Add(sum, Pairs(v0 & mask, tail) + Pairs(High(v0, 4) & mask, tail + 32), blockScales[segment.Block] * scales[segment.Group]);
            tail += 2 * Stripe;
        }
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Vector256<float> Two(byte* row, float* scales, ByteInput x, PackedLayout layout)
    {
        var sum = Vector256<float>.Zero;
        float* blockScales = x.Scales;
        sbyte* q = x.Codes;
        int whole = layout.TailStart / ByteInput.Block;
        for (int b = 0; b < whole; b++, row += 32, q += ByteInput.Block) sum = TwoBlock(sum, row, q, blockScales[b], scales, b, layout.GroupSize);
        return TwoTail(sum, row, scales, x, layout);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> TwoBlock(Vector256<float> sum, byte* row, sbyte* q, float blockScale, float* scales, int b, int group)
    {
        var mask = Vector256.Create((byte)3);
        var v = Vector256.Load(row);
        var (s0, s1) = (Pairs(v & mask, q), Pairs(High(v, 2) & mask, q + 32));
        var (s2, s3) = (Pairs(High(v, 4) & mask, q + 64), Pairs(High(v, 6) & mask, q + 96));
        return Join(sum, s0, s1, s2, s3, blockScale, scales, b, group);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> TwoTail(Vector256<float> sum, byte* row, float* scales, ByteInput x, PackedLayout layout)
    {
        var mask = Vector256.Create((byte)3);
        sbyte* tail = x.Tail;
        foreach (var segment in layout.TailSegments)
        {
            var v = Vector256.Load(row);
            var s = Pairs(v & mask, tail) + Pairs(High(v, 2) & mask, tail + 32) + (Pairs(High(v, 4) & mask, tail + 64) + Pairs(High(v, 6) & mask, tail + 96));
            sum = Add(sum, s, x.Scales[segment.Block] * scales[segment.Group]);
            tail += 4 * Stripe;
        }
        return sum;
    }

    // A plane of two bits, then a plane of one bit in stripes of 256 columns: two blocks share a stripe of the latter.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Vector256<float> Three(byte* row, float* scales, ByteInput x, PackedLayout layout)
    {
        Vector256<byte> low = Vector256.Create((byte)3), third = Vector256.Create((byte)4);
        var sum = Vector256<float>.Zero;
        float* blockScales = x.Scales;
        sbyte* q = x.Codes;
        byte* bits = row + layout.BitPlane;
        int group = layout.GroupSize, b = 0;
        for (; b < layout.BitTailStart / ByteInput.Block; b += 2, bits += 32)
        {
            var one = Vector256.Load(bits);
            for (int h = 0; h < 2; h++, row += 32, q += ByteInput.Block)
            {
                // Bits 4h … 4h + 3 of a byte are the third bits of this block's four parts.
                var v = Vector256.Load(row);
                var nibble = h == 0 ? one : High(one, 4);
                var s0 = Pairs((v & low) | (Up(nibble, 2) & third), q);
                var s1 = Pairs((High(v, 2) & low) | (Up(nibble, 1) & third), q + 32);
                var s2 = Pairs((High(v, 4) & low) | (nibble & third), q + 64);
                var s3 = Pairs((High(v, 6) & low) | (High(nibble, 1) & third), q + 96);
                sum = Join(sum, s0, s1, s2, s3, blockScales[b + h], scales, b + h, group);
            }
        }
        if (b < layout.TailStart / ByteInput.Block)
        {
            sum = TwoBlock(sum, row, q, blockScales[b], scales, b, group);
            row += 32;
        }
        sum = TwoTail(sum, row, scales, x, layout);

        var first = Vector256.Create((byte)1);
        sbyte* tail = x.BitTail;
        foreach (var segment in layout.BitTailSegments)
        {
            var v = Vector256.Load(bits);
            var s = Pairs(v & first, tail) + Pairs(High(v, 1) & first, tail + 32) + (Pairs(High(v, 2) & first, tail + 64) + Pairs(High(v, 3) & first, tail + 96));
            s += Pairs(High(v, 4) & first, tail + 128) + Pairs(High(v, 5) & first, tail + 160) + (Pairs(High(v, 6) & first, tail + 192) + Pairs(High(v, 7) & first, tail + 224));
            sum = Add(sum, s, 4 * (blockScales[segment.Block] * scales[segment.Group]));
            tail += 8 * Stripe;
        }
        return sum;
    }

    // Bytes of all 256 values overflow a sum of pairs in 16 bits, so these go through 16-bit products. The bytes behind a row meet zeros.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Vector256<float> Eight(byte* row, float* scales, ByteInput x, PackedLayout layout)
    {
        var sum = Vector256<float>.Zero;
        short* q = x.Words;
        int parts = (layout.Columns + Stripe - 1) / Stripe;
        int step = Math.Min(layout.GroupSize, ByteInput.Block) / Stripe;
        for (int p = 0; p < parts;)
        {
            int stop = Math.Min(parts, p / 4 * 4 + 4);
            if (step < 4 && step > 0) stop = Math.Min(stop, p / step * step + step);
            float scale = x.Scales[p / 4] * scales[p * Stripe / layout.GroupSize];
            var whole = Vector256<int>.Zero;
            for (; p < stop; p++, row += 32, q += 32)
            {
                var (a, b) = Vector256.Widen(Vector256.Load(row));
                whole += QuadsOfWords(a.AsInt16(), b.AsInt16(), q);
            }
            sum = Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(whole), Vector256.Create(scale), sum);
        }
        return sum;
    }

    // Lane l of the result: columns 4l … 4l + 3, as in the other widths.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> QuadsOfWords(Vector256<short> a, Vector256<short> b, short* q)
    {
        var (first, second) = (PairsOfWords(a, Vector256.Load(q)), PairsOfWords(b, Vector256.Load(q + 16)));
        if (Avx2.IsSupported) return Avx2.Permute4x64(Avx2.HorizontalAdd(first, second).AsInt64(), 0b11_01_10_00).AsInt32();
        return Vector256.Create(Fold(first), Fold(second));

        static Vector128<int> Fold(Vector256<int> v) => Vector128.Create(v[0] + v[1], v[2] + v[3], v[4] + v[5], v[6] + v[7]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> PairsOfWords(Vector256<short> a, Vector256<short> b)
    {
        if (Avx2.IsSupported) return Avx2.MultiplyAddAdjacent(a, b);
        var (x, y) = (a.AsInt32(), b.AsInt32());
        return (x << 16 >> 16) * (y << 16 >> 16) + (x >> 16) * (y >> 16);
    }

    /// <summary>Sums of two products of neighbouring columns; up to 8 of them fit 16 bits while codes have up to 4 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Pairs(Vector256<byte> codes, sbyte* q)
    {
        var x = Vector256.Load(q);
        if (Avx2.IsSupported) return Avx2.MultiplyAddAdjacent(codes, x);
        var (c, s) = (codes.AsInt16(), x.AsInt16());
        return (c & Vector256.Create((short)0xFF)) * (s << 8 >> 8) + (c >>> 8) * (s >> 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Quads(Vector256<short> pairs)
    {
        if (Avx2.IsSupported) return Avx2.MultiplyAddAdjacent(pairs, Vector256<short>.One);
        var wide = pairs.AsInt32();
        return (wide << 16 >> 16) + (wide >> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Add(Vector256<float> sum, Vector256<short> pairs, float scale) =>
        Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(Quads(pairs)), Vector256.Create(scale), sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Join(
        Vector256<float> sum, Vector256<short> s0, Vector256<short> s1, Vector256<short> s2, Vector256<short> s3, float blockScale, float* scales, int b, int group)
    {
        if (group >= ByteInput.Block) return Add(sum, s0 + s1 + (s2 + s3), blockScale * scales[b * ByteInput.Block / group]);
        sum = JoinHalf(sum, s0, s1, blockScale, scales, b, group);
        return group == 64
            ? Add(sum, s2 + s3, blockScale * scales[2 * b + 1])
            : Add(Add(sum, s2, blockScale * scales[4 * b + 2]), s3, blockScale * scales[4 * b + 3]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> JoinHalf(Vector256<float> sum, Vector256<short> s0, Vector256<short> s1, float blockScale, float* scales, int b, int group)
    {
        if (group != 32) return Add(sum, s0 + s1, blockScale * scales[b * ByteInput.Block / group]);
        return Add(Add(sum, s0, blockScale * scales[4 * b]), s1, blockScale * scales[4 * b + 1]);
    }

    // Shifts act on 16-bit lanes: what crosses a byte's border falls to the mask that follows.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> High(Vector256<byte> v, int shift) => (v.AsUInt16() >>> shift).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Up(Vector256<byte> v, int shift) => (v.AsUInt16() << shift).AsByte();
}
