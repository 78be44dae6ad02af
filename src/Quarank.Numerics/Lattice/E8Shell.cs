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

    // By coordinate, the points of all codes; then half their squared norms, so that the nearest has the largest x·c − ‖c‖²/2.
    private static readonly float[] Points = Build();
    private static readonly float[] HalfNorms = [.. Enumerable.Range(0, Count).Select(HalfNorm)];

    /// <summary>The point of a code: eight multiples of 1/2.</summary>
    public static void Decode(byte code, Span<float> values)
    {
        for (int i = 0; i < Dimension; i++) values[i] = Points[i * Count + code];
    }

    /// <summary>The code of the nearest point; exact, and of points equally near the lowest.</summary>
    public static byte Nearest(ReadOnlySpan<float> x)
    {
        if (x.Length != Dimension) throw new ArgumentException($"A point has {Dimension} coordinates, not {x.Length}.", nameof(x));
        ref float points = ref MemoryMarshal.GetArrayDataReference(Points);
        ref float norms = ref MemoryMarshal.GetArrayDataReference(HalfNorms);
        var best = Vector256.Create(float.NegativeInfinity);
        var (at, index, step) = (Vector256<int>.Zero, Vector256.Create(0, 1, 2, 3, 4, 5, 6, 7), Vector256.Create(8));
        for (nuint c = 0; c < Count; c += 8)
        {
            var score = -Vector256.LoadUnsafe(ref norms, c);
            for (int i = 0; i < Dimension; i++) score += Vector256.LoadUnsafe(ref points, c + (nuint)(i * Count)) * x[i];
            var better = Vector256.GreaterThan(score, best);
            best = Vector256.ConditionalSelect(better, score, best);
            at = Vector256.ConditionalSelect(better.AsInt32(), index, at);
            index += step;
        }
        var (top, code) = (best[0], at[0]);
        for (int lane = 1; lane < 8; lane++)
            if (best[lane] > top || best[lane] == top && at[lane] < code) (top, code) = (best[lane], at[lane]);
        return (byte)code;
    }

    private static float HalfNorm(int code)
    {
        float sum = 0;
        for (int i = 0; i < Dimension; i++) sum += Points[i * Count + code] * Points[i * Count + code];
        return sum / 2;
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
            if ((System.Numerics.BitOperations.PopCount((uint)s) & 1) == 0)
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
