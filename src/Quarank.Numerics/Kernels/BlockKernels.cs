using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Kernels;

/// <summary>Inner loops of rounding by blocks of columns, for many rows of a weight side by side: column j of row r at j · stride + r.</summary>
public static class BlockKernels
{
    /// <summary>sums += factors · errors: what errors of some columns mean for a block.</summary>
    /// <param name="width">Columns of the block: rows of <paramref name="factors"/> and of <paramref name="sums"/>.</param>
    /// <param name="count">Columns that have errors.</param>
    /// <param name="factorStride">From one row of the factors to the next.</param>
    /// <param name="stride">Of errors and sums; a multiple of 16.</param>
    public static void AddProduct(int width, int count, ReadOnlySpan<float> factors, int factorStride, ReadOnlySpan<float> errors, Span<float> sums, int stride)
    {
        for (int r = 0; r < stride; r += PanelProduct.Width)
            PanelProduct.Multiply(width, count, factors, factorStride, errors[r..], stride, sums[r..], stride, add: true);
    }

    /// <summary>distances[r] = ‖Rᵀ (target − values)‖² of row r.</summary>
    /// <param name="root">R, lower triangular, width × width.</param>
    /// <param name="stride">Also the number of rows; a multiple of eight.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Distances(int width, ReadOnlySpan<float> root, ReadOnlySpan<float> target, ReadOnlySpan<float> values, int stride, Span<float> distances)
    {
        if (root.Length < width * width || target.Length < width * stride || values.Length < width * stride || distances.Length < stride || stride % 8 != 0)
            throw new ArgumentException($"Blocks of {width} columns of {stride} rows do not lie in {target.Length} and {values.Length} values.", nameof(target));
        if (!Vector256.IsHardwareAccelerated)
        {
            DistancesScalar(width, root, target, values, stride, distances);
            return;
        }
        ref float t = ref MemoryMarshal.GetReference(target);
        ref float v = ref MemoryMarshal.GetReference(values);
        ref float factors = ref MemoryMarshal.GetReference(root);
        Span<Vector256<float>> errors = stackalloc Vector256<float>[width];
        ref var error = ref MemoryMarshal.GetReference(errors);
        for (int r = 0; r < stride; r += 8)
        {
            for (int j = 0; j < width; j++)
                Unsafe.Add(ref error, j) = Vector256.LoadUnsafe(ref t, (nuint)(j * stride + r)) - Vector256.LoadUnsafe(ref v, (nuint)(j * stride + r));
            var sum = Vector256<float>.Zero;
            for (int i = 0; i < width; i++)
            {
                var part = Vector256<float>.Zero;
                for (int j = i; j < width; j++)
                    part = Vector256.FusedMultiplyAdd(Vector256.Create(Unsafe.Add(ref factors, j * width + i)), Unsafe.Add(ref error, j), part);
                sum = Vector256.FusedMultiplyAdd(part, part, sum);
            }
            sum.CopyTo(distances[r..]);
        }
    }

    internal static void DistancesScalar(int width, ReadOnlySpan<float> root, ReadOnlySpan<float> target, ReadOnlySpan<float> values, int stride, Span<float> distances)
    {
        for (int r = 0; r < stride; r++)
        {
            float sum = 0;
            for (int i = 0; i < width; i++)
            {
                float part = 0;
                for (int j = i; j < width; j++) part = MathF.FusedMultiplyAdd(root[j * width + i], target[j * stride + r] - values[j * stride + r], part);
                sum = MathF.FusedMultiplyAdd(part, part, sum);
            }
            distances[r] = sum;
        }
    }

    /// <summary>ahead = values + R Rᵀ (target − values) / mean(diag R Rᵀ): a step against the gradient of ‖Rᵀ (target − values)‖².</summary>
    /// <inheritdoc cref="Distances"/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Ahead(int width, ReadOnlySpan<float> root, ReadOnlySpan<float> target, ReadOnlySpan<float> values, int stride, Span<float> ahead)
    {
        if (root.Length < width * width || target.Length < width * stride || values.Length < width * stride || ahead.Length < width * stride || stride % 8 != 0)
            throw new ArgumentException($"Blocks of {width} columns of {stride} rows do not lie in {target.Length} and {values.Length} values.", nameof(target));
        ref float t = ref MemoryMarshal.GetReference(target);
        ref float v = ref MemoryMarshal.GetReference(values);
        ref float a = ref MemoryMarshal.GetReference(ahead);
        Span<float> factors = stackalloc float[width * width];
        float mean = 0;
        for (int i = 0; i < width * width; i++) mean += root[i] * root[i] / width;
        for (int i = 0; i < width; i++)
            for (int j = 0; j < width; j++)
            {
                float sum = 0;
                for (int k = 0; k <= Math.Min(i, j); k++) sum += root[i * width + k] * root[j * width + k];
                factors[i * width + j] = mean > 0 ? sum / mean : 0;
            }
        for (int r = 0; r < stride; r += 8)
            for (int i = 0; i < width; i++)
            {
                var sum = Vector256.LoadUnsafe(ref v, (nuint)(i * stride + r));
                for (int j = 0; j < width; j++)
                {
                    nuint at = (nuint)(j * stride + r);
                    sum = Vector256.FusedMultiplyAdd(Vector256.Create(factors[i * width + j]), Vector256.LoadUnsafe(ref t, at) - Vector256.LoadUnsafe(ref v, at), sum);
                }
                sum.StoreUnsafe(ref a, (nuint)(i * stride + r));
            }
    }

    /// <summary>Where the other distance is smaller: distance, values and code of the other.</summary>
    public static void TakeBetter(int width, int stride, Span<float> distances, ReadOnlySpan<float> others, Span<float> values, ReadOnlySpan<float> otherValues,
        Span<ulong> codes, ReadOnlySpan<ulong> otherCodes)
    {
        if (distances.Length < stride || others.Length < stride || codes.Length < stride || otherCodes.Length < stride || stride % 8 != 0
            || values.Length < width * stride || otherValues.Length < width * stride)
            throw new ArgumentException($"Blocks of {width} columns of {stride} rows do not lie in {values.Length} and {otherValues.Length} values.", nameof(values));
        ref float to = ref MemoryMarshal.GetReference(values);
        ref float from = ref MemoryMarshal.GetReference(otherValues);
        for (int r = 0; r < stride; r += 8)
        {
            Vector256<float> distance = Vector256.Create(distances[r..]), other = Vector256.Create(others[r..]), better = Vector256.LessThan(other, distance);
            uint lanes = better.ExtractMostSignificantBits();
            if (lanes == 0) continue;
            Vector256.ConditionalSelect(better, other, distance).CopyTo(distances[r..]);
            for (int j = 0; j < width; j++)
            {
                nuint at = (nuint)(j * stride + r);
                Vector256.ConditionalSelect(better, Vector256.LoadUnsafe(ref from, at), Vector256.LoadUnsafe(ref to, at)).StoreUnsafe(ref to, at);
            }
            for (int lane = 0; lane < 8; lane++)
                if ((lanes >> lane & 1) != 0) codes[r + lane] = otherCodes[r + lane];
        }
    }
}
