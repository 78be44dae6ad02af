using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Kernels;

/// <summary>What a packed matrix adds to scale · code.</summary>
public enum PackedOffset
{
    /// <summary>w = scale · (code − 2^(bits − 1)).</summary>
    Middle,

    /// <summary>w = scale · (code − zero).</summary>
    ZeroPoint,

    /// <summary>w = scale · code + offset.</summary>
    Number,
}

/// <summary>Rows of a packed matrix from some first one on. Scales, zeros and offsets may be read 8 beyond their end.</summary>
internal unsafe struct PackedRows
{
    public PackedLayout Layout;
    public PackedOffset Offset;
    public byte* Codes;

    /// <summary>One per group, or null: then they are <see cref="Halves"/>, or, both being null, all 1 and without offsets.</summary>
    public float* Scales;

    public ushort* Halves;
    public byte* Zeros;
    public float* Offsets;

    /// <summary>All scales are multiplied by it: the step of a table of levels, else 1.</summary>
    public float Factor;

    /// <summary>What is added to a code that meets the input, for <see cref="PackedOffset.Middle"/>.</summary>
    public float Middle;

    /// <summary>A table of levels: floats, or the upper and lower six bits of multiples of <see cref="Factor"/>. Sixteen each.</summary>
    public float* Levels;

    public byte* High;
    public byte* Low;
}

/// <summary>An input as the kernels take it: in bytes (<see cref="ByteInput"/>) or in floats (<see cref="FloatInput"/>).</summary>
internal unsafe struct PackedInput
{
    /// <summary>The codes in order, −127 … 127; zeros up to a multiple of 128 behind them.</summary>
    public sbyte* Codes;

    /// <summary>The short stripe of the plane of the lowest bits, a copy of 8 / width · 32 values per segment.</summary>
    public sbyte* Tail;

    /// <summary>The short stripe of the third bit, a copy of 256 values per segment.</summary>
    public sbyte* BitTail;

    /// <summary>The values in order; zeros up to a multiple of 128 behind them.</summary>
    public float* Values;

    /// <summary>The scale of each unit's values: of bytes their block's largest magnitude / 127, of floats 1. Zeros behind them.</summary>
    public float* UnitScales;

    /// <summary>Σ of the values over each scale group of the matrix; what an offset is multiplied by. Zeros behind them.</summary>
    public float* GroupSums;
}

/// <summary>
/// A unit's scale is the weights' times the input's. An offset per group times the sum of the input over the group is what codes alone do not
/// give: with f = offset + base · scale for the base that kernels take off a code, it is f · Σ x̂ of the group, summed in lane (group mod 8).
/// </summary>
internal static unsafe class PackedScales
{
    /// <summary>The scales of row <paramref name="row"/>'s units; the sum of its offsets in eight lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Prepare(in PackedRows rows, in PackedInput x, int row, float* scales)
    {
        int groups = rows.Layout.Groups, @base = rows.Layout.Base;
        nint at = (nint)row * groups;
        float* unitScales = x.UnitScales, groupSums = x.GroupSums;
        var offsets = Vector256<float>.Zero;
        for (int g = 0; g < groups; g += 8)
        {
            var s = rows.Halves != null ? Widen(rows.Halves + at + g) : Vector256.Load(rows.Scales + at + g);
            s *= rows.Factor;
            // What stands behind the row's last group belongs to another row.
            if (g + 8 > groups) s = Vector256.ConditionalSelect(Vector256.LessThan(Vector256<int>.Indices, Vector256.Create(groups - g)).AsSingle(), s, default);
            if (rows.Layout.GroupSize == rows.Layout.UnitSize) (s * Vector256.Load(unitScales + g)).Store(scales + g);
            else Spread(s, g, rows.Layout, unitScales, scales);
            if (rows.Offset == PackedOffset.Middle)
            {
                if (rows.Middle == 0) continue;
                s *= rows.Middle;
            }
            else if (rows.Offset == PackedOffset.ZeroPoint) s *= Vector256.ConvertToSingle(Vector256.Create(@base) - PackedLanes.Eight(rows.Zeros + at + g));
            else
            {
                var o = Vector256.Load(rows.Offsets + at + g);
                if (g + 8 > groups) o = Vector256.ConditionalSelect(Vector256.LessThan(Vector256<int>.Indices, Vector256.Create(groups - g)).AsSingle(), o, default);
                s = Vector256.FusedMultiplyAdd(s, Vector256.Create((float)@base), o);
            }
            offsets = Vector256.FusedMultiplyAdd(s, Vector256.Load(groupSums + g), offsets);
        }
        return offsets;
    }

    /// <summary>y[i] := scale · y[i] + offset, of matrices of one scale a row; those without scales stay.</summary>
    public static void Finish(in PackedRows rows, in PackedInput x, int count, float* y)
    {
        if (rows.Scales == null) return;
        float sum = x.GroupSums[0];
        for (int i = 0; i < count; i++)
        {
            float scale = rows.Scales[i] * rows.Factor;
            y[i] = MathF.FusedMultiplyAdd(Factor(rows, i, scale), sum, scale * y[i]);
        }
    }

    /// <summary>offset + base · scale of a group.</summary>
    public static float Factor(in PackedRows rows, nint at, float scale)
    {
        int @base = rows.Layout.Base;
        return rows.Offset switch
        {
            PackedOffset.Middle => scale * rows.Middle,
            PackedOffset.ZeroPoint => scale * (@base - rows.Zeros[at]),
            _ => MathF.FusedMultiplyAdd(scale, @base, rows.Offsets[at]),
        };
    }

    // Groups of several units.
    private static void Spread(Vector256<float> s, int first, PackedLayout layout, float* unitScales, float* scales)
    {
        int units = layout.GroupSize / layout.UnitSize;
        for (int g = first; g < Math.Min(first + 8, layout.Groups); g++)
        {
            float scale = s.GetElement(g - first);
            for (int u = g * units; u < Math.Min((g + 1) * units, layout.Units); u++) scales[u] = scale * unitScales[u];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Widen(ushort* halves)
    {
        var wide = Vector256.WidenLower(Vector128.Load(halves).AsInt16().ToVector256Unsafe());
        return SmallFloat.UnscaledHalf(wide).AsSingle() * SmallFloat.HalfScale;
    }
}
