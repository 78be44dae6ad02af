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
}

/// <summary>
/// A unit's scale is the weights' times the input's. An offset per group times the sum of the input over the group is what codes alone do not
/// give: with f = offset + base · scale for the base that kernels take off a code, it is f · Σ x̂ of the group, summed in lane (group mod 8).
/// </summary>
internal static unsafe class PackedScales
{
    /// <summary>The scales of row <paramref name="row"/>'s units; the sum of its offsets in eight lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Prepare(in PackedRows rows, ByteInput x, int row, float* scales)
    {
        int groups = rows.Layout.Groups, @base = rows.Layout.Base;
        nint at = (nint)row * groups;
        float* unitScales = x.UnitScales, groupSums = x.GroupSums;
        var offsets = Vector256<float>.Zero;
        float middle = @base - (1 << (rows.Layout.Bits - 1));
        for (int g = 0; g < groups; g += 8)
        {
            var s = rows.Halves != null ? Widen(rows.Halves + at + g) : Vector256.Load(rows.Scales + at + g);
            // What stands behind the row's last group belongs to another row.
            if (g + 8 > groups) s = Vector256.ConditionalSelect(Vector256.LessThan(Vector256<int>.Indices, Vector256.Create(groups - g)).AsSingle(), s, default);
            if (rows.Layout.GroupSize == rows.Layout.UnitSize) (s * Vector256.Load(unitScales + g)).Store(scales + g);
            else Spread(s, g, rows.Layout, unitScales, scales);
            if (rows.Offset == PackedOffset.Middle)
            {
                if (middle == 0) continue;
                s *= middle;
            }
            else if (rows.Offset == PackedOffset.ZeroPoint) s *= Vector256.ConvertToSingle(Vector256.Create(@base) - Bytes(rows.Zeros + at + g));
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
    public static void Finish(in PackedRows rows, ByteInput x, int count, float* y)
    {
        if (rows.Scales == null) return;
        float sum = x.GroupSums[0];
        for (int i = 0; i < count; i++) y[i] = MathF.FusedMultiplyAdd(Factor(rows, i, rows.Scales[i]), sum, rows.Scales[i] * y[i]);
    }

    /// <summary>offset + base · scale of a group.</summary>
    public static float Factor(in PackedRows rows, nint at, float scale)
    {
        int @base = rows.Layout.Base;
        return rows.Offset switch
        {
            PackedOffset.Middle => scale * (@base - (1 << (rows.Layout.Bits - 1))),
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Bytes(byte* bytes)
    {
        var wide = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)bytes).AsByte());
        return Vector256.Create(Vector128.WidenLower(wide), Vector128.WidenUpper(wide)).AsInt32();
    }
}
