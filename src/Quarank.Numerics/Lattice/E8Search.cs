using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Lattice;

/// <summary>
/// Nearest points of E8P for many points side by side, coordinate i of point r at i · stride + r. Of both shifts ± 1/4 the best pattern is found among
/// whole orbits: with |z| sorted, each of the seven orbits of a squared norm up to 10 has one candidate, and what a sign too many costs is the smallest |z|.
/// </summary>
/// <remarks>
/// Of squared norm 12 only 29 patterns are in the book (all with five of 3/2): these are looked through where their orbit would win. A sign is turned at a
/// place of 1/2 only: where turning one at 3/2 is cheaper, the pattern with 1/2 in that place is better by more than 2.
/// </remarks>
internal static partial class E8Search
{
    // A bit of places that says that the coordinates' sum is odd.
    private const int Lanes = 8, Dimension = E8Patterns.Dimension, OddSum = 1 << 16;

    // By the place of 5/2 (0: none, else 1 + place) and the mask of places of 3/2: the pattern, or −1.
    private static readonly short[] Patterns = PatternsByPlaces();

    // Sign bits of coordinates as a code has them.
    private static readonly byte[] Positions = [.. Enumerable.Range(0, 256).Select(Positioned)];

    // The three places of 1/2 of each pattern of squared norm 12.
    private static readonly (byte A, byte B, byte C)[] Triples = TriplesOf12();

    /// <summary>The nearest points: their codes, and in <paramref name="values"/> their coordinates, laid out as <paramref name="x"/> is.</summary>
    /// <param name="stride">At least the count rounded up to a multiple of eight: that many points are computed.</param>
    /// <param name="others">Where it is not empty, the nearest points of the other shift follow: eight more rows of values, codes here.</param>
    public static void Nearest(ReadOnlySpan<float> x, int stride, int count, Span<float> values, Span<ushort> codes, Span<ushort> others) =>
        Nearest(x, stride, count, values, codes, others, Vector256.IsHardwareAccelerated);

    internal static void Nearest(ReadOnlySpan<float> x, int stride, int count, Span<float> values, Span<ushort> codes, Span<ushort> others, bool vectors)
    {
        int padded = (count + Lanes - 1) / Lanes * Lanes, rows = others.IsEmpty ? Dimension : 2 * Dimension;
        if (stride < padded || x.Length < (Dimension - 1) * stride + padded || values.Length < (rows - 1) * stride + padded)
            throw new ArgumentException($"{count} points, {stride} apart, do not lie in {x.Length} values or fit {values.Length}.", nameof(x));
        if (codes.Length < padded || !others.IsEmpty && others.Length < padded)
            throw new ArgumentException($"{codes.Length} codes do not hold those of {padded} points.", nameof(codes));
        ref float from = ref MemoryMarshal.GetReference(x);
        ref float to = ref MemoryMarshal.GetReference(values);
        for (int r = 0; r < padded; r += Lanes)
        {
            ref float block = ref Unsafe.Add(ref from, r);
            var (plus, minus) = vectors ? (Search(ref block, (nuint)stride, 0.25f), Search(ref block, (nuint)stride, -0.25f))
                : (SearchScalar(x[r..], stride, 0.25f), SearchScalar(x[r..], stride, -0.25f));
            // The distances are ‖z‖² − score, and ‖z₊‖² − ‖z₋‖² = Σ x.
            var odd = Vector256.LessThanOrEqual(plus.Sum - plus.Score, -minus.Score).AsInt32();
            Put(Chosen(odd, plus, minus), odd, ref Unsafe.Add(ref to, r), (nuint)stride, codes[r..]);
            if (!others.IsEmpty) Put(Chosen(~odd, plus, minus), ~odd, ref Unsafe.Add(ref to, Dimension * stride + r), (nuint)stride, others[r..]);
        }
    }

    /// <summary>
    /// Eight half-integer vectors: the places of 3/2 and, in the second byte, of 5/2 (bit 16: their sum is odd), the negative ones, and
    /// 2 Σ a|z| − ‖a‖² with the right signs; Σ x.
    /// </summary>
    private record struct Found(Vector256<float> Score, Vector256<float> Sum, Vector256<int> Places, Vector256<int> Negative);

    private static Found Chosen(Vector256<int> odd, in Found plus, in Found minus) => new(default, default,
        Vector256.ConditionalSelect(odd, plus.Places, minus.Places), Vector256.ConditionalSelect(odd, plus.Negative, minus.Negative));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Put(Found found, Vector256<int> odd, ref float to, nuint stride, Span<ushort> codes)
    {
        var shift = Vector256.ConditionalSelect(odd.AsSingle(), Vector256.Create(-0.25f), Vector256.Create(0.25f));
        Vector256<int> one = Vector256<int>.One, places = found.Places, negative = found.Negative;
        for (int i = 0; i < Dimension; i++)
        {
            // 1/2, with a 3/2 here one more, with a 5/2 two; the sign from the lowest bit.
            var size = Vector256.Create(0.5f) + Vector256.ConvertToSingle((places & one) + ((places >> 7) & (one + one)));
            ((size.AsInt32() | negative << 31).AsSingle() + shift).StoreUnsafe(ref to, (nuint)i * stride);
            (places, negative) = (places >> 1, negative >> 1);
        }
        // The table has the last coordinate of patterns with an odd sum turned.
        var signs = found.Negative ^ ((found.Places >> 9) & Vector256.Create(128));
        for (int lane = 0; lane < Lanes; lane++)
        {
            int at = found.Places.GetElement(lane), five = at >> 8 & 255;
            int pattern = Patterns[(five == 0 ? 0 : BitOperations.TrailingZeroCount(five) + 1) << 8 | at & 255];
            codes[lane] = (ushort)(pattern << 8 | Positions[signs.GetElement(lane)] ^ (odd.GetElement(lane) & 1));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Found Search(ref float x, nuint stride, float shift)
    {
        Vector256<float> x0 = Vector256.LoadUnsafe(ref x), x1 = Vector256.LoadUnsafe(ref x, stride), x2 = Vector256.LoadUnsafe(ref x, 2 * stride),
            x3 = Vector256.LoadUnsafe(ref x, 3 * stride), x4 = Vector256.LoadUnsafe(ref x, 4 * stride), x5 = Vector256.LoadUnsafe(ref x, 5 * stride),
            x6 = Vector256.LoadUnsafe(ref x, 6 * stride), x7 = Vector256.LoadUnsafe(ref x, 7 * stride), moved = Vector256.Create(shift);
        var sum = ((x0 + x1) + (x2 + x3)) + ((x4 + x5) + (x6 + x7));
        (x0, x1, x2, x3, x4, x5, x6, x7) = (x0 + moved, x1 + moved, x2 + moved, x3 + moved, x4 + moved, x5 + moved, x6 + moved, x7 + moved);
        var odd = (x0 ^ x1 ^ (x2 ^ x3) ^ (x4 ^ x5 ^ (x6 ^ x7))).AsInt32() >> 31;
        var negative = Sign(x0, 0) | Sign(x1, 1) | Sign(x2, 2) | Sign(x3, 3) | Sign(x4, 4) | Sign(x5, 5) | Sign(x6, 6) | Sign(x7, 7);
        Span<Vector256<float>> sizes = stackalloc Vector256<float>[Dimension];
        sizes[0] = x0 = Vector256.Abs(x0);
        sizes[1] = x1 = Vector256.Abs(x1);
        sizes[2] = x2 = Vector256.Abs(x2);
        sizes[3] = x3 = Vector256.Abs(x3);
        sizes[4] = x4 = Vector256.Abs(x4);
        sizes[5] = x5 = Vector256.Abs(x5);
        sizes[6] = x6 = Vector256.Abs(x6);
        sizes[7] = x7 = Vector256.Abs(x7);
        var total = ((x0 + x1) + (x2 + x3)) + ((x4 + x5) + (x6 + x7));

        Vector256<int> b0 = Vector256.Create(1), b1 = Vector256.Create(2), b2 = Vector256.Create(4), b3 = Vector256.Create(8),
            b4 = Vector256.Create(16), b5 = Vector256.Create(32), b6 = Vector256.Create(64), b7 = Vector256.Create(128);
        Order(ref x0, ref x2, ref b0, ref b2);
        Order(ref x1, ref x3, ref b1, ref b3);
        Order(ref x4, ref x6, ref b4, ref b6);
        Order(ref x5, ref x7, ref b5, ref b7);
        Order(ref x0, ref x4, ref b0, ref b4);
        Order(ref x1, ref x5, ref b1, ref b5);
        Order(ref x2, ref x6, ref b2, ref b6);
        Order(ref x3, ref x7, ref b3, ref b7);
        Order(ref x0, ref x1, ref b0, ref b1);
        Order(ref x2, ref x3, ref b2, ref b3);
        Order(ref x4, ref x5, ref b4, ref b5);
        Order(ref x6, ref x7, ref b6, ref b7);
        Order(ref x2, ref x4, ref b2, ref b4);
        Order(ref x3, ref x5, ref b3, ref b5);
        Order(ref x1, ref x4, ref b1, ref b4);
        Order(ref x3, ref x6, ref b3, ref b6);
        Order(ref x1, ref x2, ref b1, ref b2);
        Order(ref x3, ref x4, ref b3, ref b4);
        Order(ref x5, ref x6, ref b5, ref b6);

        // What a pattern with an even (an odd) sum pays for its signs.
        var even = (x7.AsInt32() & odd).AsSingle();
        var uneven = Vector256.AndNot(x7.AsInt32(), odd).AsSingle();
        Vector256<float> two = x0 + x1, three = two + x2, four = three + x3, five = four + x4, twice = x0 + x0;
        var best = Vector256.Create(-1f) - even;
        Vector256<int> at = default, oddSum = Vector256.Create(OddSum);
        Take(ref best, ref at, x0 - Vector256.Create(2f) - uneven, b0 | oddSum);
        Take(ref best, ref at, two - Vector256.Create(3f) - even, b0 | b1);
        Take(ref best, ref at, three - Vector256.Create(4f) - uneven, b0 | b1 | b2 | oddSum);
        Take(ref best, ref at, four - Vector256.Create(5f) - even, b0 | b1 | b2 | b3);
        Take(ref best, ref at, twice - Vector256.Create(4f) - even, b0 << 8);
        Take(ref best, ref at, twice + x1 - Vector256.Create(5f) - uneven, b0 << 8 | b1 | oddSum);
        var last = b0 | b1 | b2 | b3 | b4;
        var beyond = five - Vector256.Create(6f) - uneven;
        uint better = Vector256.GreaterThan(beyond, best).ExtractMostSignificantBits();

        if (better != 0)
        {
            Span<float> scores = stackalloc float[Lanes], of = stackalloc float[Dimension];
            Span<int> places = stackalloc int[Lanes], turned = stackalloc int[Lanes];
            best.CopyTo(scores);
            at.CopyTo(places);
            b7.CopyTo(turned);
            for (; better != 0; better &= better - 1)
            {
                int lane = BitOperations.TrailingZeroCount(better);
                if (Patterns[last.GetElement(lane)] >= 0) (scores[lane], places[lane]) = (beyond.GetElement(lane), last.GetElement(lane) | OddSum);
                else
                {
                    for (int i = 0; i < Dimension; i++) of[i] = sizes[i].GetElement(lane);
                    Twelve(of, total.GetElement(lane), odd.GetElement(lane) != 0, ref scores[lane], ref places[lane], ref turned[lane]);
                }
            }
            (best, at, b7) = (Vector256.Create<float>(scores), Vector256.Create<int>(places), Vector256.Create<int>(turned));
        }
        // Where the parity is not that of the pattern, a sign is turned.
        return new(total + (best + best), sum, at, negative ^ (b7 & ((at << 15 >> 31) ^ odd)));
    }

    private static void Twelve(ReadOnlySpan<float> sizes, float total, bool odd, ref float score, ref int places, ref int turned)
    {
        var (least, at) = (float.PositiveInfinity, 0);
        for (int t = 0; t < Triples.Length; t++)
        {
            var (a, b, c) = Triples[t];
            float cost = sizes[a] + sizes[b] + sizes[c];
            if (!odd) cost += Math.Min(Math.Min(sizes[a], sizes[b]), sizes[c]);
            if (cost < least) (least, at) = (cost, t);
        }
        if (!(total - least - 6 > score)) return;
        var (i, j, k) = Triples[at];
        score = total - least - 6;
        places = 255 ^ (1 << i | 1 << j | 1 << k) | OddSum;
        if (sizes[j] < sizes[i]) i = j;
        if (sizes[k] < sizes[i]) i = k;
        turned = 1 << i;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Sign(Vector256<float> z, int place) => (z.AsInt32() >>> 31) << place;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Order(ref Vector256<float> a, ref Vector256<float> b, ref Vector256<int> placeA, ref Vector256<int> placeB)
    {
        var swap = Vector256.GreaterThan(b, a);
        (a, b) = (Vector256.ConditionalSelect(swap, b, a), Vector256.ConditionalSelect(swap, a, b));
        (placeA, placeB) = (Vector256.ConditionalSelect(swap.AsInt32(), placeB, placeA), Vector256.ConditionalSelect(swap.AsInt32(), placeA, placeB));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Take(ref Vector256<float> best, ref Vector256<int> at, Vector256<float> score, Vector256<int> places)
    {
        var better = Vector256.GreaterThan(score, best);
        best = Vector256.ConditionalSelect(better, score, best);
        at = Vector256.ConditionalSelect(better.AsInt32(), places, at);
    }

    private static short[] PatternsByPlaces()
    {
        var patterns = new short[9 << 8];
        patterns.AsSpan().Fill(-1);
        for (int p = 0; p < E8Patterns.Count; p++)
        {
            int three = 0, five = 0;
            for (int i = 0; i < Dimension; i++)
            {
                int doubled = E8Patterns.Doubled[p * Dimension + i];
                if (doubled == 3) three |= 1 << i;
                if (doubled == 5) five = i + 1;
            }
            patterns[five << 8 | three] = (short)p;
        }
        return patterns;
    }

    private static byte Positioned(int signs)
    {
        int positioned = 0;
        for (int i = 0; i < Dimension; i++) positioned |= (signs >> i & 1) << E8Patterns.Position[i];
        return (byte)positioned;
    }

    private static (byte, byte, byte)[] TriplesOf12() =>
        [.. Enumerable.Range(0, E8Patterns.Count).Select(p => Enumerable.Range(0, Dimension).Where(i => E8Patterns.Doubled[p * Dimension + i] == 1).ToArray())
            .Where((places, p) => places.Length == 3 && E8Patterns.Doubled.AsSpan(p * Dimension, Dimension).IndexOf(5) < 0)
            .Select(places => ((byte)places[0], (byte)places[1], (byte)places[2]))];
}
