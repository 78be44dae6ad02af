using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Kernels;

/// <summary>Unpacked codes (a byte each) × floats: the inner loops of grid layers.</summary>
public static class GridKernels
{
    /// <summary>values[j] = scale · codes[j] + offset.</summary>
    public static void Dequantize(ReadOnlySpan<byte> codes, float scale, float offset, Span<float> values)
    {
        if (values.Length != codes.Length)
            throw new ArgumentException($"{codes.Length} codes do not fill {values.Length} values.", nameof(values));
        int done = Vector256.IsHardwareAccelerated ? DequantizeVector256(codes, scale, offset, values) : 0;
        DequantizeScalar(codes[done..], scale, offset, values[done..]);
    }

    internal static void DequantizeScalar(ReadOnlySpan<byte> codes, float scale, float offset, Span<float> values)
    {
        for (int j = 0; j < codes.Length; j++) values[j] = scale * codes[j] + offset;
    }

    /// <summary>values[j] = scales[j] · codes[j] + offsets[j]: one grid a column.</summary>
    public static void Dequantize(ReadOnlySpan<byte> codes, ReadOnlySpan<float> scales, ReadOnlySpan<float> offsets, Span<float> values)
    {
        Dequantize(codes, 1, 0, values);
        TensorPrimitives.MultiplyAdd(values, scales, offsets, values);
    }

    /// <summary>Σ codes[j] · x[j].</summary>
    public static float Dot(ReadOnlySpan<byte> codes, ReadOnlySpan<float> x)
    {
        if (x.Length != codes.Length)
            throw new ArgumentException($"{codes.Length} codes do not cover {x.Length} activations.", nameof(x));
        if (!Vector256.IsHardwareAccelerated) return DotScalar(codes, x);
        int whole = codes.Length & ~31;
        return DotVector256(codes[..whole], x) + DotScalar(codes[whole..], x[whole..]);
    }

    internal static float DotScalar(ReadOnlySpan<byte> codes, ReadOnlySpan<float> x)
    {
        float sum = 0;
        for (int j = 0; j < codes.Length; j++) sum += codes[j] * x[j];
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int DequantizeVector256(ReadOnlySpan<byte> codes, float scale, float offset, Span<float> values)
    {
        ref byte c = ref MemoryMarshal.GetReference(codes);
        ref float v = ref MemoryMarshal.GetReference(values);
        var (s, o) = (Vector256.Create(scale), Vector256.Create(offset));
        int whole = codes.Length & ~31;
        for (nuint j = 0; j < (nuint)whole; j += 32)
        {
            // Multiply, then add: the scalar twin rounds the same way on every processor.
            var (a0, a1, a2, a3) = ToSingle(Vector256.LoadUnsafe(ref c, j));
            (a0 * s + o).StoreUnsafe(ref v, j);
            (a1 * s + o).StoreUnsafe(ref v, j + 8);
            (a2 * s + o).StoreUnsafe(ref v, j + 16);
            (a3 * s + o).StoreUnsafe(ref v, j + 24);
        }
        return whole;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float DotVector256(ReadOnlySpan<byte> codes, ReadOnlySpan<float> x)
    {
        ref byte c = ref MemoryMarshal.GetReference(codes);
        ref float a = ref MemoryMarshal.GetReference(x);
        Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default;
        for (nuint j = 0; j < (nuint)codes.Length; j += 32)
        {
            var (a0, a1, a2, a3) = ToSingle(Vector256.LoadUnsafe(ref c, j));
            s0 = Vector256.FusedMultiplyAdd(a0, Vector256.LoadUnsafe(ref a, j), s0);
            s1 = Vector256.FusedMultiplyAdd(a1, Vector256.LoadUnsafe(ref a, j + 8), s1);
            s2 = Vector256.FusedMultiplyAdd(a2, Vector256.LoadUnsafe(ref a, j + 16), s2);
            s3 = Vector256.FusedMultiplyAdd(a3, Vector256.LoadUnsafe(ref a, j + 24), s3);
        }
        return Vector256.Sum(s0 + s1 + (s2 + s3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float>, Vector256<float>, Vector256<float>, Vector256<float>) ToSingle(Vector256<byte> codes)
    {
        var (low, high) = Vector256.Widen(codes);
        var (a0, a1) = Vector256.Widen(low);
        var (a2, a3) = Vector256.Widen(high);
        return (Vector256.ConvertToSingle(a0.AsInt32()), Vector256.ConvertToSingle(a1.AsInt32()),
                Vector256.ConvertToSingle(a2.AsInt32()), Vector256.ConvertToSingle(a3.AsInt32()));
    }
}
