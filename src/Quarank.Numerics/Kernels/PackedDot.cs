using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// Rows of packed codes times an input in signed bytes: the products of a unit's columns are summed as exact integers in eight lanes, which
/// join a float sum with the unit's scale. Equal to <see cref="PackedDotScalar"/> bit for bit.
/// </summary>
internal static unsafe class PackedDot
{
    /// <summary>y[i] = row i times the input, for <paramref name="count"/> rows; each may be read 31 bytes beyond its end.</summary>
    public static void Multiply(in PackedRows rows, in PackedInput x, int count, float* y)
    {
        if (!Vector128.IsHardwareAccelerated)
        {
            PackedDotScalar.Multiply(rows, x, count, y);
            return;
        }
        switch (rows.Layout.Bits)
        {
            case 2: Multiply<TwoBits>(rows, x, count, y); break;
            case 3: Multiply<ThreeBits>(rows, x, count, y); break;
            case 4: Multiply<FourBits>(rows, x, count, y); break;
            default: Multiply<EightBits>(rows, x, count, y); break;
        }
    }

    private static void Multiply<TWidth>(in PackedRows rows, in PackedInput x, int count, float* y) where TWidth : struct, IPackedWidth
    {
        if (rows.Layout.Groups == 1)
        {
            WholeRows<TWidth>(rows, x, count, y);
            PackedScales.Finish(rows, x, count, y);
        }
        else if (rows.Layout.UnitSize == 128) Groups<TWidth, Unit128>(rows, x, count, y);
        else if (rows.Layout.UnitSize == 64) Groups<TWidth, Unit64>(rows, x, count, y);
        else Groups<TWidth, Unit32>(rows, x, count, y);
    }

    // The weights' scale is the row's and comes last: units differ by the input's scales only.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WholeRows<TWidth>(in PackedRows rows, in PackedInput x, int count, float* y) where TWidth : struct, IPackedWidth
    {
        var (layout, bytes) = (rows.Layout, rows.Layout.BytesPerRow);
        byte* row = rows.Codes;
        float* scales = x.UnitScales;
        for (int i = 0; i < count; i++, row += bytes)
            y[i] = PackedLanes.Total(TWidth.AddRow<Unit128>(Vector256<float>.Zero, row, scales, x, layout));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Groups<TWidth, TUnit>(in PackedRows rows, in PackedInput x, int count, float* y)
        where TWidth : struct, IPackedWidth where TUnit : struct, IPackedUnit
    {
        var (layout, bytes) = (rows.Layout, rows.Layout.BytesPerRow);
        byte* row = rows.Codes;
        float* scales = stackalloc float[layout.Units + 16];
        for (int i = 0; i < count; i++, row += bytes)
        {
            var offsets = PackedScales.Prepare(rows, x, i, scales);
            y[i] = PackedLanes.Total(TWidth.AddRow<TUnit>(offsets, row, scales, x, layout));
        }
    }
}
