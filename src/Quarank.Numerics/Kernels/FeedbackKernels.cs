using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Kernels;

/// <summary>What errors of some columns mean for another column, for many rows of a weight side by side: the inner loop of error feedback.</summary>
public static class FeedbackKernels
{
    /// <summary>sums[r] += Σ_j factors[j] · errors[j · stride + r], j in rising order, each step fused.</summary>
    /// <param name="errors">A column a row: factors.Length rows of at least sums.Length values, <paramref name="stride"/> apart.</param>
    public static void Accumulate(ReadOnlySpan<float> factors, ReadOnlySpan<float> errors, int stride, Span<float> sums)
    {
        if (factors.IsEmpty || sums.IsEmpty) return;
        if (stride < sums.Length || errors.Length < (factors.Length - 1L) * stride + sums.Length)
            throw new ArgumentException($"{errors.Length} errors, {stride} apart, are too few for {factors.Length} columns of {sums.Length} rows.", nameof(errors));
        int whole = Vector256.IsHardwareAccelerated ? sums.Length & ~7 : 0;
        if (whole > 0) AccumulateVector256(factors, errors, stride, sums[..whole]);
        AccumulateScalar(factors, errors[whole..], stride, sums[whole..]);
    }

    internal static void AccumulateScalar(ReadOnlySpan<float> factors, ReadOnlySpan<float> errors, int stride, Span<float> sums)
    {
        for (int r = 0; r < sums.Length; r++)
            for (int j = 0; j < factors.Length; j++) sums[r] = MathF.FusedMultiplyAdd(factors[j], errors[j * stride + r], sums[r]);
    }

    // 64 rows at a time stay in eight registers from the first column to the last.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AccumulateVector256(ReadOnlySpan<float> factors, ReadOnlySpan<float> errors, int stride, Span<float> sums)
    {
        ref float f = ref MemoryMarshal.GetReference(factors);
        ref float from = ref MemoryMarshal.GetReference(errors);
        ref float to = ref MemoryMarshal.GetReference(sums);
        nuint r = 0, step = (nuint)stride;
        int count = factors.Length;
        for (; r + 64 <= (nuint)sums.Length; r += 64)
        {
            Vector256<float> s0 = Vector256.LoadUnsafe(ref to, r), s1 = Vector256.LoadUnsafe(ref to, r + 8),
                s2 = Vector256.LoadUnsafe(ref to, r + 16), s3 = Vector256.LoadUnsafe(ref to, r + 24),
                s4 = Vector256.LoadUnsafe(ref to, r + 32), s5 = Vector256.LoadUnsafe(ref to, r + 40),
                s6 = Vector256.LoadUnsafe(ref to, r + 48), s7 = Vector256.LoadUnsafe(ref to, r + 56);
            nuint e = r;
            for (int j = 0; j < count; j++, e += step)
            {
                var a = Vector256.Create(Unsafe.Add(ref f, j));
                s0 = Vector256.FusedMultiplyAdd(a, Vector256.LoadUnsafe(ref from, e), s0);
                s1 = Vector256.FusedMultiplyAdd(a, Vector256.LoadUnsafe(ref from, e + 8), s1);
                s2 = Vector256.FusedMultiplyAdd(a, Vector256.LoadUnsafe(ref from, e + 16), s2);
                s3 = Vector256.FusedMultiplyAdd(a, Vector256.LoadUnsafe(ref from, e + 24), s3);
                s4 = Vector256.FusedMultiplyAdd(a, Vector256.LoadUnsafe(ref from, e + 32), s4);
                s5 = Vector256.FusedMultiplyAdd(a, Vector256.LoadUnsafe(ref from, e + 40), s5);
                s6 = Vector256.FusedMultiplyAdd(a, Vector256.LoadUnsafe(ref from, e + 48), s6);
                s7 = Vector256.FusedMultiplyAdd(a, Vector256.LoadUnsafe(ref from, e + 56), s7);
            }
            s0.StoreUnsafe(ref to, r);
            s1.StoreUnsafe(ref to, r + 8);
            s2.StoreUnsafe(ref to, r + 16);
            s3.StoreUnsafe(ref to, r + 24);
            s4.StoreUnsafe(ref to, r + 32);
            s5.StoreUnsafe(ref to, r + 40);
            s6.StoreUnsafe(ref to, r + 48);
            s7.StoreUnsafe(ref to, r + 56);
        }
        for (; r < (nuint)sums.Length; r += 8)
        {
            var s = Vector256.LoadUnsafe(ref to, r);
            nuint e = r;
            for (int j = 0; j < count; j++, e += step)
                s = Vector256.FusedMultiplyAdd(Vector256.Create(Unsafe.Add(ref f, j)), Vector256.LoadUnsafe(ref from, e), s);
            s.StoreUnsafe(ref to, r);
        }
    }

    /// <summary>
    /// Rounds each value on an even grid of its own, in double: codes[r] = round((values[r] − offset) / divisor) + zero, held within 0 … last
    /// (ties to even), and takes what it stands for, step · (code − zero) + offset, from errors[r].
    /// </summary>
    /// <param name="grids">divisor (infinite for a grid of one value), step, zero and offset of each row, one after the other: 4 × rows.</param>
    public static void Round(ReadOnlySpan<float> values, ReadOnlySpan<double> grids, int gridStride, double last, Span<float> errors, Span<byte> codes)
    {
        int rows = values.Length;
        if (errors.Length != rows || codes.Length != rows || gridStride < rows || grids.Length < 3 * gridStride + rows)
            throw new ArgumentException($"{rows} values need as many errors, codes and grids.", nameof(values));
        int whole = Vector256.IsHardwareAccelerated ? rows & ~3 : 0;
        if (whole > 0) RoundVector256(values[..whole], grids, gridStride, last, errors, codes);
        RoundScalar(values[whole..], grids[whole..], gridStride, last, errors[whole..], codes[whole..]);
    }

    internal static void RoundScalar(ReadOnlySpan<float> values, ReadOnlySpan<double> grids, int gridStride, double last, Span<float> errors, Span<byte> codes)
    {
        for (int r = 0; r < values.Length; r++)
        {
            double zero = grids[2 * gridStride + r], offset = grids[3 * gridStride + r];
            double code = Math.Clamp(Math.Round((values[r] - offset) / grids[r]) + zero, 0, last);
            codes[r] = (byte)code;
            errors[r] -= (float)(grids[gridStride + r] * (code - zero) + offset);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RoundVector256(ReadOnlySpan<float> values, ReadOnlySpan<double> grids, int gridStride, double last, Span<float> errors, Span<byte> codes)
    {
        ref float from = ref MemoryMarshal.GetReference(values);
        ref float to = ref MemoryMarshal.GetReference(errors);
        ref double grid = ref MemoryMarshal.GetReference(grids);
        nuint stride = (nuint)gridStride;
        var most = Vector256.Create(last);
        for (nuint r = 0; r < (nuint)values.Length; r += 4)
        {
            var (zero, offset) = (Vector256.LoadUnsafe(ref grid, 2 * stride + r), Vector256.LoadUnsafe(ref grid, 3 * stride + r));
            var value = Vector256.WidenLower(Vector128.LoadUnsafe(ref from, r).ToVector256Unsafe());
            var code = Vector256.Min(Vector256.Max(Vector256.Round((value - offset) / Vector256.LoadUnsafe(ref grid, r)) + zero, Vector256<double>.Zero), most);
            var stands = Vector256.LoadUnsafe(ref grid, stride + r) * (code - zero) + offset;
            var left = Vector128.LoadUnsafe(ref to, r) - Vector256.Narrow(stands, stands).GetLower();
            left.StoreUnsafe(ref to, r);
            for (int i = 0; i < 4; i++) codes[(int)r + i] = (byte)code[i];
        }
    }
}
