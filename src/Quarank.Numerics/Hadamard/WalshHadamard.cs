using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Quarank.Numerics.Hadamard;

/// <summary>The two steps of a transform, not scaled: butterflies of a power of two, and a dense factor over vectors.</summary>
internal static class WalshHadamard
{
    /// <summary>x ← H x, H of ± 1, the length a power of two.</summary>
    public static void Unscaled<T>(Span<T> x) where T : unmanaged, INumber<T>
    {
        int width = Vector<T>.Count;
        for (int half = 1; half < x.Length; half *= 2)
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

    /// <summary>y = M x with M of order × order and x of order rows of some length.</summary>
    public static void TimesFactor<T>(T[] factor, int order, ReadOnlySpan<T> x, int length, Span<T> y) where T : unmanaged, INumber<T>
    {
        int width = Vector<T>.Count;
        for (int a = 0; a < order; a++)
        {
            var row = factor.AsSpan(a * order, order);
            if (length == 1) y[a] = TensorPrimitives.Dot<T>(row, x);
            else if (length < width) Scalar(row, x, length, y.Slice(a * length, length));
            else
                for (int i = 0; i < length; i += width) Lane(row, x[i..], length, y[(a * length + i)..]);
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

    private static void Scalar<T>(ReadOnlySpan<T> row, ReadOnlySpan<T> x, int length, Span<T> y) where T : unmanaged, INumber<T>
    {
        y.Clear();
        for (int b = 0; b < row.Length; b++)
            for (int i = 0; i < length; i++) y[i] += row[b] * x[b * length + i];
    }
}
