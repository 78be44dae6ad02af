using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics;

/// <summary>
/// The 16-bit floats of checkpoints to float and back. .NET knows <see cref="Half"/> but neither a vector conversion for it nor
/// bfloat16. Conversions to float are exact; those from float round to the nearest, ties to even, beyond the largest to infinity.
/// </summary>
public static partial class SmallFloat
{
    /// <summary>IEEE 754 binary16 codes to float, exactly; a NaN stays a NaN.</summary>
    public static void HalfToSingle(ReadOnlySpan<ushort> halves, Span<float> values)
    {
        Check(halves.Length, values.Length);
        int i = 0;
        if (Vector128.IsHardwareAccelerated) i = HalfToSingleVector(halves, values);
        HalfToSingleScalar(halves[i..], values[i..]);
    }

    /// <inheritdoc cref="HalfToSingle(ReadOnlySpan{ushort}, Span{float})"/>
    public static void HalfToSingle(ReadOnlySpan<Half> halves, Span<float> values) =>
        HalfToSingle(MemoryMarshal.Cast<Half, ushort>(halves), values);

    /// <summary>float to IEEE 754 binary16 codes.</summary>
    public static void SingleToHalf(ReadOnlySpan<float> values, Span<ushort> halves)
    {
        Check(halves.Length, values.Length);
        int i = 0;
        if (Vector128.IsHardwareAccelerated) i = SingleToHalfVector(values, halves);
        SingleToHalfScalar(values[i..], halves[i..]);
    }

    /// <inheritdoc cref="SingleToHalf(ReadOnlySpan{float}, Span{ushort})"/>
    public static void SingleToHalf(ReadOnlySpan<float> values, Span<Half> halves) =>
        SingleToHalf(values, MemoryMarshal.Cast<Half, ushort>(halves));

    /// <summary>bfloat16 codes (the upper half of a float's bits) to float.</summary>
    public static void BFloat16ToSingle(ReadOnlySpan<ushort> codes, Span<float> values)
    {
        Check(codes.Length, values.Length);
        int i = 0;
        if (Vector128.IsHardwareAccelerated) i = BFloat16ToSingleVector(codes, values);
        for (; i < codes.Length; i++) values[i] = BFloat16ToSingle(codes[i]);
    }

    /// <summary>float to bfloat16 codes; a NaN keeps its sign and upper bits and becomes quiet.</summary>
    public static void SingleToBFloat16(ReadOnlySpan<float> values, Span<ushort> codes)
    {
        Check(codes.Length, values.Length);
        int i = 0;
        if (Vector128.IsHardwareAccelerated) i = SingleToBFloat16Vector(values, codes);
        for (; i < codes.Length; i++) codes[i] = SingleToBFloat16(values[i]);
    }

    /// <summary>One bfloat16 code to float.</summary>
    public static float BFloat16ToSingle(ushort code) => BitConverter.UInt32BitsToSingle((uint)code << 16);

    /// <summary>One float to a bfloat16 code.</summary>
    public static ushort SingleToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)(float.IsNaN(value) ? (bits >> 16) | 0x40 : (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    internal static void HalfToSingleScalar(ReadOnlySpan<ushort> halves, Span<float> values)
    {
        for (int i = 0; i < halves.Length; i++) values[i] = (float)BitConverter.UInt16BitsToHalf(halves[i]);
    }

    internal static void SingleToHalfScalar(ReadOnlySpan<float> values, Span<ushort> halves)
    {
        for (int i = 0; i < values.Length; i++) halves[i] = BitConverter.HalfToUInt16Bits((Half)values[i]);
    }

    private static void Check(int codes, int values)
    {
        if (codes != values) throw new ArgumentException($"{codes} codes do not match {values} values.");
    }
}
