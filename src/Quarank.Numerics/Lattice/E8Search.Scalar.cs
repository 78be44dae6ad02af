using System.Numerics;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Lattice;

/// <summary>The search by plain loops.</summary>
internal static partial class E8Search
{
    private static Found SearchScalar(ReadOnlySpan<float> x, int stride, float shift)
    {
        Span<float> scores = stackalloc float[Lanes], sums = stackalloc float[Lanes];
        Span<int> places = stackalloc int[Lanes], negative = stackalloc int[Lanes];
        for (int lane = 0; lane < Lanes; lane++) One(x[lane..], stride, shift, out scores[lane], out sums[lane], out places[lane], out negative[lane]);
        return new(Vector256.Create<float>(scores), Vector256.Create<float>(sums), Vector256.Create<int>(places), Vector256.Create<int>(negative));
    }

    // The twin: the same candidates of the same sums in the same order.
    private static void One(ReadOnlySpan<float> x, int stride, float shift, out float score, out float sum, out int places, out int negative)
    {
        Span<float> v = stackalloc float[Dimension], sizes = stackalloc float[Dimension];
        Span<int> b = stackalloc int[Dimension];
        negative = 0;
        for (int i = 0; i < Dimension; i++)
        {
            float z = x[i * stride] + shift;
            (v[i], sizes[i], b[i]) = (Math.Abs(z), Math.Abs(z), 1 << i);
            if (float.IsNegative(z)) negative |= 1 << i;
        }
        sum = ((x[0] + x[stride]) + (x[2 * stride] + x[3 * stride])) + ((x[4 * stride] + x[5 * stride]) + (x[6 * stride] + x[7 * stride]));
        float total = ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
        bool odd = (BitOperations.PopCount((uint)negative) & 1) != 0;
        ReadOnlySpan<byte> network = [0, 2, 1, 3, 4, 6, 5, 7, 0, 4, 1, 5, 2, 6, 3, 7, 0, 1, 2, 3, 4, 5, 6, 7, 2, 4, 3, 5, 1, 4, 3, 6, 1, 2, 3, 4, 5, 6];
        for (int n = 0; n < network.Length; n += 2)
        {
            var (i, j) = (network[n], network[n + 1]);
            if (v[j] > v[i]) (v[i], v[j], b[i], b[j]) = (v[j], v[i], b[j], b[i]);
        }
        float even = odd ? v[7] : 0, uneven = odd ? 0 : v[7], two = v[0] + v[1], three = two + v[2], four = three + v[3], five = four + v[4], twice = v[0] + v[0];
        int turned = b[7], last = b[0] | b[1] | b[2] | b[3] | b[4];
        (score, places) = (-1 - even, 0);
        Take(ref score, ref places, v[0] - 2 - uneven, b[0] | OddSum);
        Take(ref score, ref places, two - 3 - even, b[0] | b[1]);
        Take(ref score, ref places, three - 4 - uneven, b[0] | b[1] | b[2] | OddSum);
        Take(ref score, ref places, four - 5 - even, last & ~b[4]);
        Take(ref score, ref places, twice - 4 - even, b[0] << 8);
        Take(ref score, ref places, twice + v[1] - 5 - uneven, b[0] << 8 | b[1] | OddSum);
        if (five - 6 - uneven > score)
        {
            if (Patterns[last] >= 0) (score, places) = (five - 6 - uneven, last | OddSum);
            else Twelve(sizes, total, odd, ref score, ref places, ref turned);
        }
        if ((places & OddSum) != 0 != odd) negative ^= turned;
        score = total + (score + score);
    }

    private static void Take(ref float best, ref int at, float score, int places)
    {
        if (score > best) (best, at) = (score, places);
    }
}
