using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Kernels;

/// <summary>The error of a row on a grid in GPTQ's norm, the inner loop of its search for a range: 80 times a weight.</summary>
public static class ClipKernels
{
    /// <summary>Σ |scale · clamp(round(w / scale), low, high) − w|^2.4, ties of the rounding to even.</summary>
    /// <param name="inverse">1 / scale.</param>
    /// <param name="low">The smallest code less the zero-point.</param>
    /// <param name="high">The largest code less the zero-point.</param>
    /// <param name="enough">Where the sum so far exceeds this, it will do: what is left could only raise it.</param>
    public static float PowerError(ReadOnlySpan<float> w, float scale, float inverse, float low, float high, float enough = float.PositiveInfinity)
    {
        int whole = w.Length & ~7;
        return PowerErrorVector256(w[..whole], scale, inverse, low, high, enough) + PowerErrorScalar(w[whole..], scale, inverse, low, high);
    }

    internal static float PowerErrorScalar(ReadOnlySpan<float> w, float scale, float inverse, float low, float high)
    {
        float sum = 0;
        foreach (float v in w) sum += MathF.Pow(MathF.Abs(Math.Clamp(MathF.Round(v * inverse), low, high) * scale - v), 2.4f);
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float PowerErrorVector256(ReadOnlySpan<float> w, float scale, float inverse, float low, float high, float enough)
    {
        ref float start = ref MemoryMarshal.GetReference(w);
        var (s, r, l, h) = (Vector256.Create(scale), Vector256.Create(inverse), Vector256.Create(low), Vector256.Create(high));
        var (six, fifth) = (Vector256.Create(6f), Vector256.Create(0.2f));
        var magic = Vector256.Create(0x4C2E_0000);      // of the first guess below: 6/5 of a float's exponent bias
        var least = Vector256.Create(1e-30f);
        Vector256<float> sum = default;
        for (nuint j = 0; j < (nuint)w.Length; j += 8)
        {
            var v = Vector256.LoadUnsafe(ref start, j);
            var d = Vector256.Min(Vector256.Max(Vector256.Round(v * r), l), h) * s - v;

            // |d|^2.4 = x · x^0.2 with x = d². z → x^(−1/5): a guess from the exponent, then Newton's z ← z (6 − x z⁵) / 5, error e → 3e².
            var square = d * d;
            var x = Vector256.Max(square, least);       // so that z⁵ stays finite where there is no error
            var z = (magic - Vector256.ConvertToInt32(Vector256.ConvertToSingle(x.AsInt32()) * fifth)).AsSingle();
            for (int i = 0; i < 3; i++)
            {
                var z2 = z * z;
                z = z * (six - x * (z2 * z2 * z)) * fifth;
            }
            var y = z * z;
            sum += square * (x * (y * y));
            if ((j & 0xF8) == 0xF8 && Vector256.Sum(sum) > enough) break;
        }
        return Vector256.Sum(sum);
    }
}
