using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Lattice;

/// <summary>
/// One bit a weight for what E8P leaves: 256 points of E8 as 8-bit codes, the 241 of squared norm up to 2 (0; ± e_i ± e_j; all coordinates ± 1/2 with an
/// even count of minus signs) and, of squared norm 4, ± 2 e_i without − 2 e₇.
/// </summary>
public static class E8Shell
{
    private const int Count = 256, Dimension = 8;

    // By coordinate, the points of all codes.
    private static readonly float[] Points = Build();

    /// <summary>The point of a code: eight multiples of 1/2.</summary>
    public static void Decode(byte code, Span<float> values)
    {
        for (int i = 0; i < Dimension; i++) values[i] = Points[i * Count + code];
    }

    /// <summary>The code of the nearest point.</summary>
    public static byte Nearest(ReadOnlySpan<float> x)
    {
        if (x.Length != Dimension) throw new ArgumentException($"A point has {Dimension} coordinates, not {x.Length}.", nameof(x));
        Span<float> lanes = stackalloc float[Dimension * 8];
        Span<byte> codes = stackalloc byte[8];
        for (int i = 0; i < Dimension; i++) lanes[i * 8] = x[i];
        Nearest(lanes, 8, 1, codes);
        return codes[0];
    }

    /// <summary>
    /// The codes of the nearest points of many, coordinate i of point r at i · stride + r; exact, and of points equally near the same on all hardware. The
    /// best of each kind is known from the two largest and the smallest |x|: x·c − ‖c‖²/2 is |x|₁ + |x|₂ − 1, (Σ|x|) / 2 − 1, less the smallest where
    /// the signs are odd, or 2|x|₁ − 2.
    /// </summary>
    /// <param name="stride">At least the count rounded up to a multiple of eight: that many points are computed.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Nearest(ReadOnlySpan<float> x, int stride, int count, Span<byte> codes)
    {
        int padded = (count + 7) / 8 * 8;
        if (stride < padded || x.Length < (Dimension - 1) * stride + padded || codes.Length < padded)
            throw new ArgumentException($"{count} points, {stride} apart, do not lie in {x.Length} values or give {codes.Length} codes.", nameof(x));
        ref float from = ref MemoryMarshal.GetReference(x);
        for (int r = 0; r < padded; r += 8)
        {
            Vector256<float> first = Vector256.Create(-1f), second = first, least = Vector256.Create(float.PositiveInfinity), sum = default;
            Vector256<int> firstAt = default, secondAt = default, leastAt = default, negative = default;
            for (int i = 0; i < Dimension; i++)
            {
                var v = Vector256.LoadUnsafe(ref from, (nuint)(i * stride + r));
                negative |= (v.AsInt32() >>> 31) << i;
                v = Vector256.Abs(v);
                sum += v;
                var (larger, large, smaller) = (Vector256.GreaterThan(v, first), Vector256.GreaterThan(v, second), Vector256.LessThan(v, least));
                var at = Vector256.Create(i);
                second = Vector256.ConditionalSelect(larger, first, Vector256.ConditionalSelect(large, v, second));
                secondAt = Vector256.ConditionalSelect(larger.AsInt32(), firstAt, Vector256.ConditionalSelect(large.AsInt32(), at, secondAt));
                (first, firstAt) = (Vector256.ConditionalSelect(larger, v, first), Vector256.ConditionalSelect(larger.AsInt32(), at, firstAt));
                (least, leastAt) = (Vector256.ConditionalSelect(smaller, v, least), Vector256.ConditionalSelect(smaller.AsInt32(), at, leastAt));
            }
            for (int lane = 0; lane < 8; lane++)
                codes[r + lane] = Code(first[lane], firstAt[lane], second[lane], secondAt[lane], least[lane], leastAt[lane], sum[lane], negative[lane]);
        }
    }

    private static byte Code(float first, int firstAt, float second, int secondAt, float least, int leastAt, float sum, int negative)
    {
        bool odd = (BitOperations.PopCount((uint)negative) & 1) != 0;
        var (score, code) = (0f, 0);
        if (first + second - 1 > score)
        {
            var (i, j) = (Math.Min(firstAt, secondAt), Math.Max(firstAt, secondAt));
            (score, code) = (first + second - 1, 1 + 4 * (i * (15 - i) / 2 + j - i - 1) + (negative >> i & 1) + 2 * (negative >> j & 1));
        }
        float half = sum / 2 - 1 - (odd ? least : 0);
        // Of two neighbouring sign masks one has an even count.
        if (half > score) (score, code) = (half, 113 + ((odd ? negative ^ 1 << leastAt : negative) >> 1));
        // The one double point that is not in the book would be better than no other.
        bool missing = firstAt == Dimension - 1 && (negative >> firstAt & 1) != 0;
        if (2 * first - 2 > score && !missing) code = 241 + 2 * firstAt + (negative >> firstAt & 1);
        return (byte)code;
    }

    private static float[] Build()
    {
        var list = new List<float[]> { new float[Dimension] };
        for (int i = 0; i < Dimension; i++)
            for (int j = i + 1; j < Dimension; j++)
                for (int s = 0; s < 4; s++)
                {
                    var point = new float[Dimension];
                    (point[i], point[j]) = ((s & 1) != 0 ? -1 : 1, (s & 2) != 0 ? -1 : 1);
                    list.Add(point);
                }
        for (int s = 0; s < Count; s++)
            if ((BitOperations.PopCount((uint)s) & 1) == 0)
                list.Add([.. Enumerable.Range(0, Dimension).Select(i => (s >> i & 1) != 0 ? -0.5f : 0.5f)]);
        for (int i = 0; i < 2 * Dimension - 1; i++)
        {
            var point = new float[Dimension];
            point[i / 2] = (i & 1) != 0 ? -2 : 2;
            list.Add(point);
        }
        var points = new float[Dimension * Count];
        for (int c = 0; c < Count; c++)
            for (int i = 0; i < Dimension; i++) points[i * Count + c] = list[c][i];
        return points;
    }
}
