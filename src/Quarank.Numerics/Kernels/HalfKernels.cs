using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Kernels;

/// <summary>Dot products of a stored row with float activations: the one-token product of dense layers, bound by memory.</summary>
public static class HalfKernels
{
    /// <summary>Σ row[j]·x[j], row in IEEE 754 binary16 codes.</summary>
    public static float DotHalf(ReadOnlySpan<ushort> row, ReadOnlySpan<float> x)
    {
        Check(row.Length, x.Length);
        return Vector128.IsHardwareAccelerated ? DotHalfVector(row, x) : DotHalfScalar(row, x);
    }

    /// <summary>Σ row[j]·x[j], row in bfloat16 codes.</summary>
    public static float DotBFloat16(ReadOnlySpan<ushort> row, ReadOnlySpan<float> x)
    {
        Check(row.Length, x.Length);
        return Vector128.IsHardwareAccelerated ? DotBFloat16Vector(row, x) : DotBFloat16Scalar(row, x);
    }

    /// <summary>Σ row[j]·x[j].</summary>
    public static float Dot(ReadOnlySpan<float> row, ReadOnlySpan<float> x)
    {
        Check(row.Length, x.Length);
        return Vector128.IsHardwareAccelerated ? DotVector(row, x) : DotScalar(row, x);
    }

    internal static float DotHalfScalar(ReadOnlySpan<ushort> row, ReadOnlySpan<float> x)
    {
        float sum = 0;
        for (int j = 0; j < row.Length; j++) sum += (float)BitConverter.UInt16BitsToHalf(row[j]) * x[j];
        return sum;
    }

    internal static float DotBFloat16Scalar(ReadOnlySpan<ushort> row, ReadOnlySpan<float> x)
    {
        float sum = 0;
        for (int j = 0; j < row.Length; j++) sum += SmallFloat.BFloat16ToSingle(row[j]) * x[j];
        return sum;
    }

    internal static float DotScalar(ReadOnlySpan<float> row, ReadOnlySpan<float> x)
    {
        float sum = 0;
        for (int j = 0; j < row.Length; j++) sum += row[j] * x[j];
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float DotHalfVector(ReadOnlySpan<ushort> row, ReadOnlySpan<float> x)
    {
        ref ushort w = ref MemoryMarshal.GetReference(row);
        ref float v = ref MemoryMarshal.GetReference(x);
        Vector256<float> a = default, b = default, c = default, d = default;
        Vector256<ushort> most = default;
        int j = 0;
        for (; j <= row.Length - 32; j += 32)
        {
            var (first, second) = (Vector256.LoadUnsafe(ref w, (nuint)j), Vector256.LoadUnsafe(ref w, (nuint)j + 16));
            var magnitude = Vector256.Create((ushort)0x7FFF);
            most = Vector256.Max(most, Vector256.Max(first & magnitude, second & magnitude));
            var (w0, w1) = Vector256.Widen(first.AsInt16());
            var (w2, w3) = Vector256.Widen(second.AsInt16());
            a = Vector256.MultiplyAddEstimate(Scaled(w0), Vector256.LoadUnsafe(ref v, (nuint)j), a);
            b = Vector256.MultiplyAddEstimate(Scaled(w1), Vector256.LoadUnsafe(ref v, (nuint)j + 8), b);
            c = Vector256.MultiplyAddEstimate(Scaled(w2), Vector256.LoadUnsafe(ref v, (nuint)j + 16), c);
            d = Vector256.MultiplyAddEstimate(Scaled(w3), Vector256.LoadUnsafe(ref v, (nuint)j + 24), d);
        }
        // The loop reads infinity and NaN as large numbers, so a row with one goes the slow way.
        if (Vector256.GreaterThanOrEqualAny(most, Vector256.Create((ushort)0x7C00))) return DotHalfScalar(row, x);
        return Vector256.Sum((a + b) + (c + d)) + DotHalfScalar(row[j..], x[j..]);

        static Vector256<float> Scaled(Vector256<int> half) => SmallFloat.UnscaledHalf(half).AsSingle() * SmallFloat.HalfScale;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float DotBFloat16Vector(ReadOnlySpan<ushort> row, ReadOnlySpan<float> x)
    {
        ref ushort w = ref MemoryMarshal.GetReference(row);
        ref float v = ref MemoryMarshal.GetReference(x);
        Vector256<float> a = default, b = default, c = default, d = default;
        int j = 0;
        for (; j <= row.Length - 32; j += 32)
        {
            var (w0, w1) = Vector256.Widen(Vector256.LoadUnsafe(ref w, (nuint)j));
            var (w2, w3) = Vector256.Widen(Vector256.LoadUnsafe(ref w, (nuint)j + 16));
            a = Vector256.MultiplyAddEstimate((w0 << 16).AsSingle(), Vector256.LoadUnsafe(ref v, (nuint)j), a);
            b = Vector256.MultiplyAddEstimate((w1 << 16).AsSingle(), Vector256.LoadUnsafe(ref v, (nuint)j + 8), b);
            c = Vector256.MultiplyAddEstimate((w2 << 16).AsSingle(), Vector256.LoadUnsafe(ref v, (nuint)j + 16), c);
            d = Vector256.MultiplyAddEstimate((w3 << 16).AsSingle(), Vector256.LoadUnsafe(ref v, (nuint)j + 24), d);
        }
        return Vector256.Sum((a + b) + (c + d)) + DotBFloat16Scalar(row[j..], x[j..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float DotVector(ReadOnlySpan<float> row, ReadOnlySpan<float> x)
    {
        ref float w = ref MemoryMarshal.GetReference(row);
        ref float v = ref MemoryMarshal.GetReference(x);
        Vector256<float> a = default, b = default, c = default, d = default;
        int j = 0;
        for (; j <= row.Length - 32; j += 32)
        {
            nuint k = (nuint)j;
            a = Vector256.MultiplyAddEstimate(Vector256.LoadUnsafe(ref w, k), Vector256.LoadUnsafe(ref v, k), a);
            b = Vector256.MultiplyAddEstimate(Vector256.LoadUnsafe(ref w, k + 8), Vector256.LoadUnsafe(ref v, k + 8), b);
            c = Vector256.MultiplyAddEstimate(Vector256.LoadUnsafe(ref w, k + 16), Vector256.LoadUnsafe(ref v, k + 16), c);
            d = Vector256.MultiplyAddEstimate(Vector256.LoadUnsafe(ref w, k + 24), Vector256.LoadUnsafe(ref v, k + 24), d);
        }
        return Vector256.Sum((a + b) + (c + d)) + DotScalar(row[j..], x[j..]);
    }

    private static void Check(int row, int x)
    {
        if (row != x) throw new ArgumentException($"A row of {row} values does not fit {x} activations.");
    }
}
