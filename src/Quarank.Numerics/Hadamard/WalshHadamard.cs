using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Hadamard;

/// <summary>The two steps of a transform, not scaled: butterflies of a power of two, and a dense factor over vectors.</summary>
internal static class WalshHadamard
{
    /// <summary>x ← H x, H of ± 1, the length a power of two.</summary>
    public static void Unscaled<T>(Span<T> x) where T : unmanaged, INumber<T>
    {
        int width = Vector<T>.Count, begin = 1;
        if (typeof(T) == typeof(float) && Vector256.IsHardwareAccelerated && x.Length >= 8)
        {
            Eights(MemoryMarshal.Cast<T, float>(x));
            begin = 8;
        }
        for (int half = begin; half < x.Length; half *= 2)
            for (int first = 0; first < x.Length; first += 2 * half)
            {
                var low = x.Slice(first, half);
                var high = x.Slice(first + half, half);
                if (half < width)
                {
                    for (int i = 0; i < half; i++) (low[i], high[i]) = (low[i] + high[i], low[i] - high[i]);
                    continue;
                }
                var lows = MemoryMarshal.Cast<T, Vector<T>>(low);
                var highs = MemoryMarshal.Cast<T, Vector<T>>(high);
                for (int i = 0; i < lows.Length; i++) (lows[i], highs[i]) = (lows[i] + highs[i], lows[i] - highs[i]);
            }
    }

    // The first three steps stay within eight values: lows + highs and lows − highs, the sums and differences of the plain loop.
    private static void Eights(Span<float> x)
    {
        var ones = Vector256.Create(0, int.MinValue, 0, int.MinValue, 0, int.MinValue, 0, int.MinValue).AsSingle();
        var twos = Vector256.Create(0, 0, int.MinValue, int.MinValue, 0, 0, int.MinValue, int.MinValue).AsSingle();
        var fours = Vector256.Create(0, 0, 0, 0, int.MinValue, int.MinValue, int.MinValue, int.MinValue).AsSingle();
        ref float from = ref MemoryMarshal.GetReference(x);
        for (nuint i = 0; i + 8 <= (nuint)x.Length; i += 8)
        {
            var v = Vector256.LoadUnsafe(ref from, i);
            v = Vector256.Shuffle(v, Vector256.Create(1, 0, 3, 2, 5, 4, 7, 6)) + (v ^ ones);
            v = Vector256.Shuffle(v, Vector256.Create(2, 3, 0, 1, 6, 7, 4, 5)) + (v ^ twos);
            v = Vector256.Shuffle(v, Vector256.Create(4, 5, 6, 7, 0, 1, 2, 3)) + (v ^ fours);
            v.StoreUnsafe(ref from, i);
        }
    }

    /// <summary>y = M x with M of order × order and x of order rows of some length.</summary>
    public static void TimesFactor<T>(T[] factor, int order, ReadOnlySpan<T> x, int length, Span<T> y) where T : unmanaged, INumber<T>
    {
        int width = Vector<T>.Count, a = 0;
        if (length % width == 0)
            for (; a + 4 <= order; a += 4) FourRows(factor.AsSpan(a * order), order, x, length, y[(a * length)..]);
        for (; a < order; a++)
        {
            var row = factor.AsSpan(a * order, order);
            if (length == 1) y[a] = TensorPrimitives.Dot<T>(row, x);
            else if (length < width) Scalar(row, x, length, y.Slice(a * length, length));
            else
            {
                int whole = length / width * width;
                for (int i = 0; i < whole; i += width) Lane(row, x[i..], length, y[(a * length + i)..]);
                if (whole < length) Rest(row, x, length, whole, y.Slice(a * length, length));
            }
        }
    }

    // Four rows share the loads, and their sums do not wait for one another.
    private static void FourRows<T>(ReadOnlySpan<T> rows, int order, ReadOnlySpan<T> x, int length, Span<T> y) where T : unmanaged, INumber<T>
    {
        for (int i = 0; i < length; i += Vector<T>.Count)
        {
            Vector<T> s0 = default, s1 = default, s2 = default, s3 = default;
            for (int b = 0; b < order; b++)
            {
                var v = new Vector<T>(x[(b * length + i)..]);
                s0 += v * rows[b];
                s1 += v * rows[order + b];
                s2 += v * rows[2 * order + b];
                s3 += v * rows[3 * order + b];
            }
            s0.CopyTo(y[i..]);
            s1.CopyTo(y[(length + i)..]);
            s2.CopyTo(y[(2 * length + i)..]);
            s3.CopyTo(y[(3 * length + i)..]);
        }
    }

    private static void Lane<T>(ReadOnlySpan<T> row, ReadOnlySpan<T> x, int length, Span<T> y) where T : unmanaged, INumber<T>
    {
        // Two sums, since each waits for its own last addition.
        Vector<T> even = default, odd = default;
        int b = 0;
        for (; b + 1 < row.Length; b += 2)
        {
            even += new Vector<T>(x[(b * length)..]) * row[b];
            odd += new Vector<T>(x[((b + 1) * length)..]) * row[b + 1];
        }
        if (b < row.Length) even += new Vector<T>(x[(b * length)..]) * row[b];
        (even + odd).CopyTo(y);
    }

    private static void Rest<T>(ReadOnlySpan<T> row, ReadOnlySpan<T> x, int length, int first, Span<T> y) where T : unmanaged, INumber<T>
    {
        for (int i = first; i < length; i++)
        {
            var sum = T.Zero;
            for (int b = 0; b < row.Length; b++) sum += row[b] * x[b * length + i];
            y[i] = sum;
        }
    }

    private static void Scalar<T>(ReadOnlySpan<T> row, ReadOnlySpan<T> x, int length, Span<T> y) where T : unmanaged, INumber<T>
    {
        y.Clear();
        for (int b = 0; b < row.Length; b++)
            for (int i = 0; i < length; i++) y[i] += row[b] * x[b * length + i];
    }
}
