using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// Rows of packed codes (or of levels that codes stand for) times an input in floats. Of a unit's columns, number j is summed in accumulator
/// j mod 32, so that the order is that of <see cref="PackedFloatScalar"/>, bit for bit.
/// </summary>
internal static unsafe class PackedFloat
{
    /// <inheritdoc cref="PackedDot.Multiply"/>
    public static void Multiply(in PackedRows rows, in PackedInput x, int count, float* y)
    {
        if (!Vector128.IsHardwareAccelerated) PackedFloatScalar.Multiply(rows, x, count, y);
        else if (rows.Levels == null) Multiply<Numbers>(rows, x, count, y);
        else Multiply<Levels>(rows, x, count, y);
    }

    private static void Multiply<TMap>(in PackedRows rows, in PackedInput x, int count, float* y) where TMap : struct, IMap
    {
        switch (rows.Layout.Bits)
        {
            case 1: Multiply<OneBitCodes, TMap>(rows, x, count, y); break;
            case 2: Multiply<TwoBitCodes, TMap>(rows, x, count, y); break;
            case 3 when rows.Levels == null: Multiply<TripleCodes, TMap>(rows, x, count, y); break;
            case 3: Multiply<ThreeBitCodes, TMap>(rows, x, count, y); break;
            case 4: Multiply<FourBitCodes, TMap>(rows, x, count, y); break;
            default: Multiply<EightBitCodes, TMap>(rows, x, count, y); break;
        }
    }

    private static void Multiply<TCodes, TMap>(in PackedRows rows, in PackedInput x, int count, float* y)
        where TCodes : struct, IPackedCodes where TMap : struct, IMap
    {
        if (rows.Layout.UnitSize == 128) Run<TCodes, TMap, Unit128>(rows, x, count, y);
        else if (rows.Layout.UnitSize == 64) Run<TCodes, TMap, Unit64>(rows, x, count, y);
        else Run<TCodes, TMap, Unit32>(rows, x, count, y);
        if (rows.Layout.Groups == 1) PackedScales.Finish(rows, x, count, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TCodes, TMap, TUnit>(in PackedRows rows, in PackedInput x, int count, float* y)
        where TCodes : struct, IPackedCodes where TMap : struct, IMap where TUnit : struct, IPackedUnit
    {
        var layout = rows.Layout;
        int blocks = PackedRest.WholeBlocks(layout), rest = layout.Columns - 128 * blocks;
        float* own = stackalloc float[layout.Units + 16];
        byte* codes = stackalloc byte[PackedRest.Room];
        var (low, high) = (Vector256<float>.Zero, Vector256<float>.Zero);
        if (rows.Levels != null) (low, high) = (Vector256.Load(rows.Levels), Vector256.Load(rows.Levels + 8));
        byte* row = rows.Codes;
        for (int i = 0; i < count; i++, row += layout.BytesPerRow)
        {
            float* scales = layout.Groups == 1 ? x.UnitScales : own, values = x.Values;
            var sum = layout.Groups == 1 ? Vector256<float>.Zero : PackedScales.Prepare(rows, x, i, own);
            byte* block = row, bits = layout.Bits == 3 ? row + layout.BitPlane : row;
            for (int b = 0; b < blocks; b++)
            {
                PackedLanes.Fetch(TCodes.Step == 0 ? bits : block);
                if (TCodes.Step == 128) PackedLanes.Fetch(block + 64);
                sum = Block<TCodes, TMap, TUnit>(sum, block, bits, 4 * (b & 1), values, scales, low, high);
                block += TCodes.Step;
                bits += 32 * (b & 1);
                scales += 128 / TUnit.Size;
                values += 128;
            }
            if (rest > 0)
            {
                PackedRest.Unpack(row, layout, 128 * blocks, rows.Levels == null, codes);
                sum = Rest<TMap, TUnit>(sum, codes, rest, layout.Base, values, scales, low, high);
            }
            y[i] = PackedLanes.Total(sum);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Block<TCodes, TMap, TUnit>(
        Vector256<float> sum, byte* block, byte* bits, int shift, float* x, float* scales, Vector256<float> low, Vector256<float> high)
        where TCodes : struct, IPackedCodes where TMap : struct, IMap where TUnit : struct, IPackedUnit
    {
        if (TUnit.Size == 128) return Unit<TCodes, TMap>(sum, 0, 4, block, bits, shift, x, scales[0], low, high);
        if (TUnit.Size == 64)
        {
            sum = Unit<TCodes, TMap>(sum, 0, 2, block, bits, shift, x, scales[0], low, high);
            return Unit<TCodes, TMap>(sum, 2, 2, block, bits, shift, x, scales[1], low, high);
        }
        sum = Unit<TCodes, TMap>(sum, 0, 1, block, bits, shift, x, scales[0], low, high);
        sum = Unit<TCodes, TMap>(sum, 1, 1, block, bits, shift, x, scales[1], low, high);
        sum = Unit<TCodes, TMap>(sum, 2, 1, block, bits, shift, x, scales[2], low, high);
        return Unit<TCodes, TMap>(sum, 3, 1, block, bits, shift, x, scales[3], low, high);
    }

    // The parts from p on; p and parts are constants to the compiler.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Unit<TCodes, TMap>(
        Vector256<float> sum, int p, int parts, byte* block, byte* bits, int shift, float* x, float scale, Vector256<float> low, Vector256<float> high)
        where TCodes : struct, IPackedCodes where TMap : struct, IMap =>
        Add(sum, scale,
            Sum<TCodes, TMap>(p, parts, 0, block, bits, shift, x, low, high), Sum<TCodes, TMap>(p, parts, 1, block, bits, shift, x, low, high),
            Sum<TCodes, TMap>(p, parts, 2, block, bits, shift, x, low, high), Sum<TCodes, TMap>(p, parts, 3, block, bits, shift, x, low, high));

    // Slice s of the parts from p on.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Sum<TCodes, TMap>(
        int p, int parts, int s, byte* block, byte* bits, int shift, float* x, Vector256<float> low, Vector256<float> high)
        where TCodes : struct, IPackedCodes where TMap : struct, IMap
    {
        TCodes.Slices(block, bits, shift, s, out var c0, out var c1, out var c2, out var c3);
        x += 32 * p + 8 * s;
        var a = TMap.Map(p switch { 0 => c0, 1 => c1, 2 => c2, _ => c3 }, low, high) * Vector256.Load(x);
        if (parts > 1) a = Vector256.FusedMultiplyAdd(TMap.Map(p == 0 ? c1 : c3, low, high), Vector256.Load(x + 32), a);
        if (parts > 2) a = Vector256.FusedMultiplyAdd(TMap.Map(c2, low, high), Vector256.Load(x + 64), a);
        if (parts > 3) a = Vector256.FusedMultiplyAdd(TMap.Map(c3, low, high), Vector256.Load(x + 96), a);
        return a;
    }

    // Codes behind the last column meet zeros.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Rest<TMap, TUnit>(
        Vector256<float> sum, byte* codes, int count, int @base, float* x, float* scales, Vector256<float> low, Vector256<float> high)
        where TMap : struct, IMap where TUnit : struct, IPackedUnit
    {
        for (int first = 0; first < count; first += TUnit.Size)
        {
            Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default;
            for (int j = first; j < Math.Min(first + TUnit.Size, count); j += 32)
            {
                var less = Vector256.Create(@base);
                a0 = Vector256.FusedMultiplyAdd(TMap.Map(PackedLanes.Eight(codes + j) - less, low, high), Vector256.Load(x + j), a0);
                a1 = Vector256.FusedMultiplyAdd(TMap.Map(PackedLanes.Eight(codes + j + 8) - less, low, high), Vector256.Load(x + j + 8), a1);
                a2 = Vector256.FusedMultiplyAdd(TMap.Map(PackedLanes.Eight(codes + j + 16) - less, low, high), Vector256.Load(x + j + 16), a2);
                a3 = Vector256.FusedMultiplyAdd(TMap.Map(PackedLanes.Eight(codes + j + 24) - less, low, high), Vector256.Load(x + j + 24), a3);
            }
            sum = Add(sum, *scales++, a0, a1, a2, a3);
        }
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Add(
        Vector256<float> sum, float scale, Vector256<float> a0, Vector256<float> a1, Vector256<float> a2, Vector256<float> a3) =>
        Vector256.FusedMultiplyAdd(a0 + a1 + (a2 + a3), Vector256.Create(scale), sum);

    /// <summary>What codes stand for, before scales.</summary>
    private interface IMap
    {
        static abstract Vector256<float> Map(Vector256<int> codes, Vector256<float> low, Vector256<float> high);
    }

    private readonly struct Numbers : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Map(Vector256<int> codes, Vector256<float> low, Vector256<float> high) => Vector256.ConvertToSingle(codes);
    }

    private readonly struct Levels : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Map(Vector256<int> codes, Vector256<float> low, Vector256<float> high) => LookUp(codes, low, high);
    }

    /// <summary>The levels that codes below 16 stand for: those of low, then those of high.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LookUp(Vector256<int> codes, Vector256<float> low, Vector256<float> high)
    {
        // The permutation looks at three bits; the fourth, moved to the sign, chooses the half of the table.
        if (Avx2.IsSupported)
            return Avx.BlendVariable(Avx2.PermuteVar8x32(low, codes), Avx2.PermuteVar8x32(high, codes), (codes << 28).AsSingle());
        var three = codes & Vector256.Create(7);
        return Vector256.ConditionalSelect(Vector256.GreaterThan(codes, Vector256.Create(7)).AsSingle(), Vector256.Shuffle(high, three), Vector256.Shuffle(low, three));
    }
}
