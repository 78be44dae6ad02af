using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics;

/// <summary>The vector loops; each returns how many values it did, and the scalar twin does the rest.</summary>
public static partial class SmallFloat
{
    private const int Step = 16; // ushorts in 256 bits

    // A half's bits, moved 13 up, are its value as a float but for the exponent's bias: 2^(127 − 15) too small, subnormals too.
    internal const float HalfScale = 5.192296858534828e33f; // 2^112

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
            // Infinity and NaN want the highest exponent.
            var special = Vector256.GreaterThanOrEqual(bits & Vector256.Create(0x0FFFE000), Vector256.Create(0x0F800000));
            return ((bits.AsSingle() * HalfScale).AsInt32() | (special & Vector256.Create(0x7F800000))).AsSingle();
        }
    }

    /// <summary>From sign-extended codes to the bits of value / 2^112: sign, then exponent and fraction 13 bits up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<int> UnscaledHalf(Vector256<int> half) =>
        (half << 13) & Vector256.Create(unchecked((int)0x8FFFE000));

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
            // Normal halves: half of the last place less a little, plus its last bit, is ties to even; the carry may go to infinity.
            var rebias = Vector256.Create(unchecked((uint)((15 - 127) << 23)) + 0xFFF);
            var normal = (magnitude + rebias + ((magnitude >> 13) & Vector256<uint>.One)) >> 13;
            // Subnormal halves are multiples of 2⁻²⁴, the last place of 0.5: the float unit rounds them.
            var small = (magnitude.AsSingle() + Vector256.Create(0.5f)).AsUInt32() - Vector256.Create(0.5f).AsUInt32();
            var huge = Vector256.ConditionalSelect(Vector256.GreaterThan(magnitude, Vector256.Create(0x7F800000u)),
                ((magnitude >> 13) & Vector256.Create(0x3FFu)) | Vector256.Create(0x7E00u), Vector256.Create(0x7C00u));
            var (below, above) = (Vector256.Create(0x38800000u), Vector256.Create(0x47800000u)); // 2⁻¹⁴, 2¹⁶
            var half = Vector256.ConditionalSelect(Vector256.LessThan(magnitude, below), small, normal);
            half = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(magnitude, above), huge, half);
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
