using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// c[m × 16] = or += a[m × k] · b[k × 16] for the few rows of one token's attention, b in whatever numbers it is stored in: each vector of b
/// is converted once for four rows, and fewer rows take several k at once, for a sum must wait for itself.
/// </summary>
internal static class ThinProduct<T, TNumbers> where T : unmanaged where TNumbers : struct, IStoredNumbers<T>
{
    /// <summary>Columns of b and c.</summary>
    public const int Width = 16;

    public static void Multiply(int m, int k, ReadOnlySpan<float> a, int strideA, ReadOnlySpan<T> b, int strideB, Span<float> c, int strideC, bool add)
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
        ref T b0 = ref MemoryMarshal.GetReference(b);
        ref float c0 = ref MemoryMarshal.GetReference(c);
        for (int i = 0; i < m; i += 4)
        {
            ref float ai = ref Unsafe.Add(ref a0, i * strideA);
            ref float ci = ref Unsafe.Add(ref c0, i * strideC);
            switch (m - i)
            {
                case 1: One(k, ref ai, ref b0, strideB, ref ci, add); break;
                case 2: Two(k, ref ai, strideA, ref b0, strideB, ref ci, strideC, add); break;
                case 3: Three(k, ref ai, strideA, ref b0, strideB, ref ci, strideC, add); break;
                default: Four(k, ref ai, strideA, ref b0, strideB, ref ci, strideC, add); break;
            }
        }
    }

    internal static void MultiplyScalar(int m, int k, ReadOnlySpan<float> a, int strideA, ReadOnlySpan<T> b, int strideB, Span<float> c, int strideC, bool add)
    {
        for (int i = 0; i < m; i++)
        {
            var row = c.Slice(i * strideC, Width);
            if (!add) row.Clear();
            for (int p = 0; p < k; p++)
                for (int j = 0; j < Width; j++) row[j] += a[i * strideA + p] * TNumbers.ToSingle(b[p * strideB + j]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One(int k, ref float a, ref T b, int strideB, ref float c, bool add)
    {
        Vector256<float> l0 = default, r0 = default, l1 = default, r1 = default, l2 = default, r2 = default, l3 = default, r3 = default;
        int p = 0;
        for (; p + 4 <= k; p += 4)
        {
            Step(ref l0, ref r0, a, ref b);
            b = ref Unsafe.Add(ref b, strideB);
            Step(ref l1, ref r1, Unsafe.Add(ref a, 1), ref b);
            b = ref Unsafe.Add(ref b, strideB);
            Step(ref l2, ref r2, Unsafe.Add(ref a, 2), ref b);
            b = ref Unsafe.Add(ref b, strideB);
            Step(ref l3, ref r3, Unsafe.Add(ref a, 3), ref b);
            b = ref Unsafe.Add(ref b, strideB);
            a = ref Unsafe.Add(ref a, 4);
        }
        for (; p < k; p++, a = ref Unsafe.Add(ref a, 1), b = ref Unsafe.Add(ref b, strideB)) Step(ref l0, ref r0, a, ref b);
        Store(l0 + l1 + (l2 + l3), r0 + r1 + (r2 + r3), ref c, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Two(int k, ref float a, int strideA, ref T b, int strideB, ref float c, int strideC, bool add)
    {
        Vector256<float> l0 = default, r0 = default, l1 = default, r1 = default, l2 = default, r2 = default, l3 = default, r3 = default;
        ref float a1 = ref Unsafe.Add(ref a, strideA);
        int p = 0;
        for (; p + 2 <= k; p += 2)
        {
            Vector256<float> left = TNumbers.Load(ref b), right = TNumbers.Load(ref Unsafe.Add(ref b, 8));
            Add(ref l0, ref r0, a, left, right);
            Add(ref l1, ref r1, a1, left, right);
            b = ref Unsafe.Add(ref b, strideB);
            (left, right) = (TNumbers.Load(ref b), TNumbers.Load(ref Unsafe.Add(ref b, 8)));
            Add(ref l2, ref r2, Unsafe.Add(ref a, 1), left, right);
            Add(ref l3, ref r3, Unsafe.Add(ref a1, 1), left, right);
            b = ref Unsafe.Add(ref b, strideB);
            a = ref Unsafe.Add(ref a, 2);
            a1 = ref Unsafe.Add(ref a1, 2);
        }
        if (p < k)
        {
            Step(ref l0, ref r0, a, ref b);
            Step(ref l1, ref r1, a1, ref b);
        }
        Store(l0 + l2, r0 + r2, ref c, add);
        Store(l1 + l3, r1 + r3, ref Unsafe.Add(ref c, strideC), add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Three(int k, ref float a, int strideA, ref T b, int strideB, ref float c, int strideC, bool add)
    {
        Vector256<float> l0 = default, r0 = default, l1 = default, r1 = default, l2 = default, r2 = default;
        ref float a1 = ref Unsafe.Add(ref a, strideA), a2 = ref Unsafe.Add(ref a, 2 * strideA);
        for (int p = 0; p < k; p++)
        {
            Vector256<float> left = TNumbers.Load(ref b), right = TNumbers.Load(ref Unsafe.Add(ref b, 8));
            Add(ref l0, ref r0, Unsafe.Add(ref a, p), left, right);
            Add(ref l1, ref r1, Unsafe.Add(ref a1, p), left, right);
            Add(ref l2, ref r2, Unsafe.Add(ref a2, p), left, right);
            b = ref Unsafe.Add(ref b, strideB);
        }
        Store(l0, r0, ref c, add);
        Store(l1, r1, ref Unsafe.Add(ref c, strideC), add);
        Store(l2, r2, ref Unsafe.Add(ref c, 2 * strideC), add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four(int k, ref float a, int strideA, ref T b, int strideB, ref float c, int strideC, bool add)
    {
        Vector256<float> l0 = default, r0 = default, l1 = default, r1 = default, l2 = default, r2 = default, l3 = default, r3 = default;
        ref float a1 = ref Unsafe.Add(ref a, strideA), a2 = ref Unsafe.Add(ref a, 2 * strideA), a3 = ref Unsafe.Add(ref a, 3 * strideA);
        for (int p = 0; p < k; p++)
        {
            Vector256<float> left = TNumbers.Load(ref b), right = TNumbers.Load(ref Unsafe.Add(ref b, 8));
            Add(ref l0, ref r0, Unsafe.Add(ref a, p), left, right);
            Add(ref l1, ref r1, Unsafe.Add(ref a1, p), left, right);
            Add(ref l2, ref r2, Unsafe.Add(ref a2, p), left, right);
            Add(ref l3, ref r3, Unsafe.Add(ref a3, p), left, right);
            b = ref Unsafe.Add(ref b, strideB);
        }
        Store(l0, r0, ref c, add);
        Store(l1, r1, ref Unsafe.Add(ref c, strideC), add);
        Store(l2, r2, ref Unsafe.Add(ref c, 2 * strideC), add);
        Store(l3, r3, ref Unsafe.Add(ref c, 3 * strideC), add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(ref Vector256<float> left, ref Vector256<float> right, float a, ref T b) =>
        Add(ref left, ref right, a, TNumbers.Load(ref b), TNumbers.Load(ref Unsafe.Add(ref b, 8)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(ref Vector256<float> left, ref Vector256<float> right, float a, Vector256<float> l, Vector256<float> r)
    {
        var x = Vector256.Create(a);
        left = Vector256.MultiplyAddEstimate(x, l, left);
        right = Vector256.MultiplyAddEstimate(x, r, right);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<float> left, Vector256<float> right, ref float c, bool add)
    {
        if (add) (left, right) = (left + Vector256.LoadUnsafe(ref c), right + Vector256.LoadUnsafe(ref c, 8));
        left.StoreUnsafe(ref c);
        right.StoreUnsafe(ref c, 8);
    }

    private static void Check(int length, int rows, int stride, int columns, string name)
    {
        if (stride < columns || length < (long)(rows - 1) * stride + columns)
            throw new ArgumentException($"{length} values hold no {rows} rows of {columns}, {stride} apart.", name);
    }
}
