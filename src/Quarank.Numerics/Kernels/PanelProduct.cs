using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// c[m × 16] = or += a[m × k] · b[k × 16], each with its own distance between rows: the inner loop of products whose
/// operands already lie as the kernel reads them, so that nothing is packed. Six rows at a time keep twelve sums in registers.
/// </summary>
internal static class PanelProduct
{
    /// <summary>Columns of b and c.</summary>
    public const int Width = 16;

    private const int Height = 6;

    public static void Multiply(int m, int k, ReadOnlySpan<float> a, int strideA, ReadOnlySpan<float> b, int strideB, Span<float> c, int strideC, bool add)
    {
        if (m <= 0 || k <= 0) return;
        Check(a.Length, m, strideA, k, nameof(a));
        Check(b.Length, k, strideB, Width, nameof(b));
        Check(c.Length, m, strideC, Width, nameof(c));
        if (!Vector256.IsHardwareAccelerated)
        {
            MultiplyScalar(m, k, a, strideA, b, strideB, c, strideC, add);
            return;
        }

        ref float a0 = ref MemoryMarshal.GetReference(a);
        ref float b0 = ref MemoryMarshal.GetReference(b);
        ref float c0 = ref MemoryMarshal.GetReference(c);
        int i = 0;
        // Eight rows are twice four: single ones wait for their own sums.
        for (; i + Height <= m && m - i != 8; i += Height)
            SixRows(k, ref Unsafe.Add(ref a0, i * strideA), strideA, ref b0, strideB, ref Unsafe.Add(ref c0, i * strideC), strideC, add);
        for (; i + 4 <= m; i += 4)
            FourRows(k, ref Unsafe.Add(ref a0, i * strideA), strideA, ref b0, strideB, ref Unsafe.Add(ref c0, i * strideC), strideC, add);
        for (; i < m; i++)
            OneRow(k, ref Unsafe.Add(ref a0, i * strideA), ref b0, strideB, ref Unsafe.Add(ref c0, i * strideC), add);
    }

    internal static void MultiplyScalar(
        int m, int k, ReadOnlySpan<float> a, int strideA, ReadOnlySpan<float> b, int strideB, Span<float> c, int strideC, bool add)
    {
        for (int i = 0; i < m; i++)
        {
            var row = c.Slice(i * strideC, Width);
            if (!add) row.Clear();
            for (int p = 0; p < k; p++)
            {
                float x = a[i * strideA + p];
                for (int j = 0; j < Width; j++) row[j] += x * b[p * strideB + j];
            }
        }
    }

    private static void SixRows(int k, ref float a, int strideA, ref float b, int strideB, ref float c, int strideC, bool add)
    {
        Vector256<float> c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default;
        Vector256<float> c30 = default, c31 = default, c40 = default, c41 = default, c50 = default, c51 = default;
        ref float a3 = ref Unsafe.Add(ref a, 3 * strideA);
        nint s = strideA, s2 = 2 * strideA;
        for (int p = 0; p < k; p++)
        {
            var left = Vector256.LoadUnsafe(ref b);
            var right = Vector256.LoadUnsafe(ref b, 8);
            var x = Vector256.Create(a);
            c00 = Vector256.MultiplyAddEstimate(x, left, c00);
            c01 = Vector256.MultiplyAddEstimate(x, right, c01);
            x = Vector256.Create(Unsafe.Add(ref a, s));
            c10 = Vector256.MultiplyAddEstimate(x, left, c10);
            c11 = Vector256.MultiplyAddEstimate(x, right, c11);
            x = Vector256.Create(Unsafe.Add(ref a, s2));
            c20 = Vector256.MultiplyAddEstimate(x, left, c20);
            c21 = Vector256.MultiplyAddEstimate(x, right, c21);
            x = Vector256.Create(a3);
            c30 = Vector256.MultiplyAddEstimate(x, left, c30);
            c31 = Vector256.MultiplyAddEstimate(x, right, c31);
            x = Vector256.Create(Unsafe.Add(ref a3, s));
            c40 = Vector256.MultiplyAddEstimate(x, left, c40);
            c41 = Vector256.MultiplyAddEstimate(x, right, c41);
            x = Vector256.Create(Unsafe.Add(ref a3, s2));
            c50 = Vector256.MultiplyAddEstimate(x, left, c50);
            c51 = Vector256.MultiplyAddEstimate(x, right, c51);
            a = ref Unsafe.Add(ref a, 1);
            a3 = ref Unsafe.Add(ref a3, 1);
            b = ref Unsafe.Add(ref b, strideB);
        }
        Store(c00, c01, ref c, add);
        Store(c10, c11, ref Unsafe.Add(ref c, strideC), add);
        Store(c20, c21, ref Unsafe.Add(ref c, 2 * strideC), add);
        Store(c30, c31, ref Unsafe.Add(ref c, 3 * strideC), add);
        Store(c40, c41, ref Unsafe.Add(ref c, 4 * strideC), add);
        Store(c50, c51, ref Unsafe.Add(ref c, 5 * strideC), add);
    }

    private static void FourRows(int k, ref float a, int strideA, ref float b, int strideB, ref float c, int strideC, bool add)
    {
        Vector256<float> c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default, c30 = default, c31 = default;
        nint s = strideA, s2 = 2 * strideA, s3 = 3 * strideA;
        for (int p = 0; p < k; p++)
        {
            var left = Vector256.LoadUnsafe(ref b);
            var right = Vector256.LoadUnsafe(ref b, 8);
            var x = Vector256.Create(a);
            c00 = Vector256.MultiplyAddEstimate(x, left, c00);
            c01 = Vector256.MultiplyAddEstimate(x, right, c01);
            x = Vector256.Create(Unsafe.Add(ref a, s));
            c10 = Vector256.MultiplyAddEstimate(x, left, c10);
            c11 = Vector256.MultiplyAddEstimate(x, right, c11);
            x = Vector256.Create(Unsafe.Add(ref a, s2));
            c20 = Vector256.MultiplyAddEstimate(x, left, c20);
            c21 = Vector256.MultiplyAddEstimate(x, right, c21);
            x = Vector256.Create(Unsafe.Add(ref a, s3));
            c30 = Vector256.MultiplyAddEstimate(x, left, c30);
            c31 = Vector256.MultiplyAddEstimate(x, right, c31);
            a = ref Unsafe.Add(ref a, 1);
            b = ref Unsafe.Add(ref b, strideB);
        }
        Store(c00, c01, ref c, add);
        Store(c10, c11, ref Unsafe.Add(ref c, strideC), add);
        Store(c20, c21, ref Unsafe.Add(ref c, 2 * strideC), add);
        Store(c30, c31, ref Unsafe.Add(ref c, 3 * strideC), add);
    }

    private static void OneRow(int k, ref float a, ref float b, int strideB, ref float c, bool add)
    {
        Vector256<float> left = default, right = default;
        for (int p = 0; p < k; p++)
        {
            var x = Vector256.Create(Unsafe.Add(ref a, p));
            left = Vector256.MultiplyAddEstimate(x, Vector256.LoadUnsafe(ref b), left);
            right = Vector256.MultiplyAddEstimate(x, Vector256.LoadUnsafe(ref b, 8), right);
            b = ref Unsafe.Add(ref b, strideB);
        }
        Store(left, right, ref c, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<float> left, Vector256<float> right, ref float c, bool add)
    {
        if (add)
        {
            left += Vector256.LoadUnsafe(ref c);
            right += Vector256.LoadUnsafe(ref c, 8);
        }
        left.StoreUnsafe(ref c);
        right.StoreUnsafe(ref c, 8);
    }

    private static void Check(int length, int rows, int stride, int columns, string name)
    {
        if (stride < columns && rows > 1 || length < (long)(rows - 1) * stride + columns)
            throw new ArgumentException($"{length} values do not hold {rows} rows of {columns}, {stride} apart.", name);
    }
}
