using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics;

/// <summary>
/// The 16-bit floats of checkpoints to float and back. .NET knows <see cref="Half"/> but neither a vector conversion for it nor
/// bfloat16. Conversions to float are exact; those from float round to the nearest, ties to even, and beyond the largest go to infinity.
/// </summary>
public static class SmallFloat
{
    private const int Step = 16; // ushorts in 256 bits

    // A half's bits, moved 13 up, are its value as a float but for the exponent's bias: 2^(127 − 15) too small, subnormals too.
    internal const float HalfScale = 5.192296858534828e33f; // 2^112

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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int HalfToSingleVector(ReadOnlySpan<ushort> halves, Span<float> values)
    {
        ref ushort from = ref MemoryMarshal.GetReference(halves);
        ref float to = ref MemoryMarshal.GetReference(values);
        int i = 0;
        for (; i <= halves.Length - Step; i += Step)
        {
            var (low, high) = Vector256.Widen(Vector256.LoadUnsafe(ref from, (nuint)i).AsInt16());
            Expand(low).StoreUnsafe(ref to, (nuint)i);
            Expand(high).StoreUnsafe(ref to, (nuint)i + 8);
        }
        return i;

        static Vector256<float> Expand(Vector256<int> half)
        {
            var bits = UnscaledHalf(half);
            var special = Vector256.GreaterThanOrEqual(bits & Vector256.Create(0x0FFFE000), Vector256.Create(0x0F800000)) & Vector256.Create(0x7F800000);
            return ((bits.AsSingle() * HalfScale).AsInt32() | special).AsSingle(); // infinity and NaN want the highest exponent
        }
    }

    /// <summary>From sign-extended codes to the bits of value / 2^112: sign, then exponent and fraction 13 bits up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<int> UnscaledHalf(Vector256<int> half) => (half << 13) & Vector256.Create(unchecked((int)0x8FFFE000));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int SingleToHalfVector(ReadOnlySpan<float> values, Span<ushort> halves)
    {
        ref uint from = ref Unsafe.As<float, uint>(ref MemoryMarshal.GetReference(values));
        ref ushort to = ref MemoryMarshal.GetReference(halves);
        int i = 0;
        for (; i <= values.Length - Step; i += Step)
            Vector256.Narrow(Round(Vector256.LoadUnsafe(ref from, (nuint)i)), Round(Vector256.LoadUnsafe(ref from, (nuint)i + 8)))
                .StoreUnsafe(ref to, (nuint)i);
        return i;

        static Vector256<uint> Round(Vector256<uint> bits)
        {
            var magnitude = bits & Vector256.Create(0x7FFFFFFFu);
            // Normal halves: half of the last place less a little, plus its last bit, is ties to even; the carry may reach infinity.
            var normal = (magnitude + Vector256.Create(unchecked((uint)((15 - 127) << 23)) + 0xFFF) + ((magnitude >> 13) & Vector256<uint>.One)) >> 13;
            // Subnormal halves are multiples of 2⁻²⁴, the last place of 0.5: the float unit rounds them.
            var small = (magnitude.AsSingle() + Vector256.Create(0.5f)).AsUInt32() - Vector256.Create(0.5f).AsUInt32();
            var huge = Vector256.ConditionalSelect(Vector256.GreaterThan(magnitude, Vector256.Create(0x7F800000u)),
                ((magnitude >> 13) & Vector256.Create(0x3FFu)) | Vector256.Create(0x7E00u), Vector256.Create(0x7C00u));
            var half = Vector256.ConditionalSelect(Vector256.LessThan(magnitude, Vector256.Create(0x38800000u)), small, normal); // 2⁻¹⁴
            half = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(magnitude, Vector256.Create(0x47800000u)), huge, half); // 2¹⁶
            return half | ((bits ^ magnitude) >> 16);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int BFloat16ToSingleVector(ReadOnlySpan<ushort> codes, Span<float> values)
    {
        ref ushort from = ref MemoryMarshal.GetReference(codes);
        ref uint to = ref Unsafe.As<float, uint>(ref MemoryMarshal.GetReference(values));
        int i = 0;
        for (; i <= codes.Length - Step; i += Step)
        {
            var (low, high) = Vector256.Widen(Vector256.LoadUnsafe(ref from, (nuint)i));
            (low << 16).StoreUnsafe(ref to, (nuint)i);
            (high << 16).StoreUnsafe(ref to, (nuint)i + 8);
        }
        return i;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int SingleToBFloat16Vector(ReadOnlySpan<float> values, Span<ushort> codes)
    {
        ref uint from = ref Unsafe.As<float, uint>(ref MemoryMarshal.GetReference(values));
        ref ushort to = ref MemoryMarshal.GetReference(codes);
        int i = 0;
        for (; i <= values.Length - Step; i += Step)
            Vector256.Narrow(Round(Vector256.LoadUnsafe(ref from, (nuint)i)), Round(Vector256.LoadUnsafe(ref from, (nuint)i + 8)))
                .StoreUnsafe(ref to, (nuint)i);
        return i;

        static Vector256<uint> Round(Vector256<uint> bits)
        {
            var nan = Vector256.GreaterThan(bits & Vector256.Create(0x7FFFFFFFu), Vector256.Create(0x7F800000u));
            var rounded = (bits + Vector256.Create(0x7FFFu) + ((bits >> 16) & Vector256<uint>.One)) >> 16;
            return Vector256.ConditionalSelect(nan, (bits >> 16) | Vector256.Create(0x40u), rounded);
        }
    }
}
