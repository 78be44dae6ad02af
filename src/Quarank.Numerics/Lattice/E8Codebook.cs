using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Lattice;

/// <summary>
/// E8P: 65,536 points of E8 + 1/4 as 16-bit codes, two bits a weight (Tseng et al. 2024, arXiv:2402.04396). High byte: the pattern of absolute
/// values; low byte: signs, its parity says whether the half-integer vector was moved by −1/4 (odd) or +1/4.
/// </summary>
public static class E8Codebook
{
    /// <summary>Weights of a code.</summary>
    public const int Dimension = E8Patterns.Dimension;

    // By coordinate: |a| of all patterns; then ‖a‖², and what a sign too many costs, times the smallest a·|z|, for even and odd counts of minus signs.
    private static readonly float[] Sizes = BySizes();
    private static readonly float[] Norms = [.. Enumerable.Range(0, 256).Select(p => E8Patterns.Doubled.AsSpan(p * 8, 8).ToArray().Sum(v => v * v) / 4f)];
    private static readonly float[] CostOfEven = [.. Enumerable.Range(0, 256).Select(p => E8Patterns.IsOdd(p) ? 4f : 0)];
    private static readonly float[] CostOfOdd = [.. CostOfEven.Select(c => 4 - c)];

    /// <summary>The point of a code: eight multiples of 1/4.</summary>
    public static void Decode(ushort code, Span<float> values)
    {
        uint entry = E8Patterns.Entries[code >> 8];
        int parity = BitOperations.PopCount((uint)code & 255) & 1, signs = code & 255 ^ parity;
        float shift = parity != 0 ? -0.25f : 0.25f;
        for (int i = 0; i < Dimension; i++)
        {
            int j = E8Patterns.Position[i];
            float v = ((int)(entry >> 4 * j & 15) - 8) * 0.5f;
            values[i] = ((signs >> j & 1) != 0 ? -v : v) + shift;
        }
    }

    /// <summary>The code of the nearest point; exact, and of points equally near the same one on all hardware.</summary>
    public static ushort Nearest(ReadOnlySpan<float> x) => Nearest(x, Vector256.IsHardwareAccelerated);

    internal static ushort NearestScalar(ReadOnlySpan<float> x) => Nearest(x, false);

    private static ushort Nearest(ReadOnlySpan<float> x, bool vectors)
    {
        if (x.Length != Dimension) throw new ArgumentException($"A point has {Dimension} coordinates, not {x.Length}.", nameof(x));
        Span<float> plus = stackalloc float[Dimension], minus = stackalloc float[Dimension];
        TensorPrimitives.Add(x, 0.25f, plus);
        TensorPrimitives.Subtract(x, 0.25f, minus);
        var (first, second) = vectors ? (Best(plus), Best(minus)) : (BestScalar(plus), BestScalar(minus));
        // The distances are ‖z‖² − score, and ‖z₊‖² − ‖z₋‖² = Σx.
        float excess = TensorPrimitives.SumOfSquares<float>(plus) - TensorPrimitives.SumOfSquares<float>(minus);
        return excess - first.Score <= -second.Score ? Encode(plus, first.Pattern, 1) : Encode(minus, second.Pattern, 0);
    }

    // The score 2 Σ a|z| − ‖a‖² is greatest for the nearest pattern; where its signs may not be those of z, the cheapest one is turned.
    private static (float Score, int Pattern) Best(ReadOnlySpan<float> z)
    {
        var (costs, z8) = (OddSigns(z) ? CostOfOdd : CostOfEven, Vector256.Abs(Vector256.Create(z)));
        ref float sizes = ref MemoryMarshal.GetArrayDataReference(Sizes);
        ref float norms = ref MemoryMarshal.GetArrayDataReference(Norms);
        ref float cost = ref MemoryMarshal.GetArrayDataReference(costs);
        Vector256<float> x0 = Vector256.Create(z8[0]), x1 = Vector256.Create(z8[1]), x2 = Vector256.Create(z8[2]), x3 = Vector256.Create(z8[3]),
            x4 = Vector256.Create(z8[4]), x5 = Vector256.Create(z8[5]), x6 = Vector256.Create(z8[6]), x7 = Vector256.Create(z8[7]);
        var best = Vector256.Create(float.NegativeInfinity);
        var (at, index, step) = (Vector256<int>.Zero, Vector256.Create(0, 1, 2, 3, 4, 5, 6, 7), Vector256.Create(8));
        for (nuint p = 0; p < 256; p += 8)
        {
            Vector256<float> p0 = Vector256.LoadUnsafe(ref sizes, p) * x0, p1 = Vector256.LoadUnsafe(ref sizes, p + 256) * x1,
                p2 = Vector256.LoadUnsafe(ref sizes, p + 512) * x2, p3 = Vector256.LoadUnsafe(ref sizes, p + 768) * x3,
                p4 = Vector256.LoadUnsafe(ref sizes, p + 1024) * x4, p5 = Vector256.LoadUnsafe(ref sizes, p + 1280) * x5,
                p6 = Vector256.LoadUnsafe(ref sizes, p + 1536) * x6, p7 = Vector256.LoadUnsafe(ref sizes, p + 1792) * x7;
            var sum = ((p0 + p1) + (p2 + p3)) + ((p4 + p5) + (p6 + p7));
            var least = Vector256.MinNative(Vector256.MinNative(Vector256.MinNative(p0, p1), Vector256.MinNative(p2, p3)),
                Vector256.MinNative(Vector256.MinNative(p4, p5), Vector256.MinNative(p6, p7)));
            var score = (sum + sum) - Vector256.LoadUnsafe(ref norms, p) - Vector256.LoadUnsafe(ref cost, p) * least;
            var better = Vector256.GreaterThan(score, best);
            best = Vector256.ConditionalSelect(better, score, best);
            at = Vector256.ConditionalSelect(better.AsInt32(), index, at);
            index += step;
        }
        var (top, pattern) = (best[0], at[0]);
        for (int lane = 1; lane < 8; lane++)
            if (best[lane] > top || best[lane] == top && at[lane] < pattern) (top, pattern) = (best[lane], at[lane]);
        return (top, pattern);
    }

    private static (float Score, int Pattern) BestScalar(ReadOnlySpan<float> z)
    {
        float[] costs = OddSigns(z) ? CostOfOdd : CostOfEven;
        var (top, pattern) = (float.NegativeInfinity, 0);
        Span<float> parts = stackalloc float[Dimension];
        for (int p = 0; p < 256; p++)
        {
            float least = float.PositiveInfinity;
            for (int i = 0; i < Dimension; i++)
            {
                parts[i] = Sizes[i * 256 + p] * Math.Abs(z[i]);
                least = Math.Min(least, parts[i]);
            }
            float sum = ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]));
            float score = (sum + sum) - Norms[p] - costs[p] * least;
            if (score > top) (top, pattern) = (score, p);
        }
        return (top, pattern);
    }

    private static ushort Encode(ReadOnlySpan<float> z, int pattern, int parity)
    {
        bool odd = E8Patterns.IsOdd(pattern);
        int negative = 0, cheapest = 0;
        float least = float.PositiveInfinity;
        for (int i = 0; i < Dimension; i++)
        {
            if (z[i] < 0) negative |= 1 << i;
            float part = Sizes[i * 256 + pattern] * Math.Abs(z[i]);
            if (part < least) (least, cheapest) = (part, i);
        }
        if ((BitOperations.PopCount((uint)negative) & 1) != (odd ? 1 : 0)) negative ^= 1 << cheapest;
        if (odd) negative ^= 128; // the table has the last coordinate's sign turned
        int signs = 0;
        for (int i = 0; i < Dimension; i++) signs |= (negative >> i & 1) << E8Patterns.Position[i];
        return (ushort)(pattern << 8 | signs ^ parity);
    }

    private static bool OddSigns(ReadOnlySpan<float> z)
    {
        int count = 0;
        foreach (float v in z)
            if (v < 0) count++;
        return (count & 1) != 0;
    }

    private static float[] BySizes()
    {
        var sizes = new float[Dimension * 256];
        for (int p = 0; p < 256; p++)
            for (int i = 0; i < Dimension; i++) sizes[i * 256 + p] = E8Patterns.Doubled[p * Dimension + i] / 2f;
        return sizes;
    }
}
