using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Kernels;

/// <summary>The element-wise functions of a decoder block that need an exponential.</summary>
public static class ActivationKernels
{
    /// <summary>x := softmax(x), in place: exp(x − max) divided by its sum.</summary>
    public static void SoftMax(Span<float> x)
    {
        if (x.IsEmpty) return;
        float sum = Exponentiate(x, 1);
        if (Vector128.IsHardwareAccelerated) Scale(x, 1 / sum);
        else
            foreach (ref float value in x) value /= sum;
    }

    /// <summary>x := exp(scale · (x − max x)), in place; the sum of the results. scale is positive.</summary>
    public static float Exponentiate(Span<float> x, float scale) =>
        x.IsEmpty ? 0 : Vector128.IsHardwareAccelerated ? ExponentiateVector(x, scale) : ExponentiateScalar(x, scale);

    /// <summary>destination = silu(gate) · up with silu(g) = g / (1 + e⁻ᵍ); destination may be gate or up.</summary>
    public static void SiluMultiply(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> destination)
    {
        if (up.Length != gate.Length || destination.Length != gate.Length)
            throw new ArgumentException($"{gate.Length} gates, {up.Length} inputs and {destination.Length} results do not match.");
        int i = Vector128.IsHardwareAccelerated ? SiluMultiplyVector(gate, up, destination) : 0;
        SiluMultiplyScalar(gate[i..], up[i..], destination[i..]);
    }

    /// <summary>x := x / (1 + e⁻ˣ).</summary>
    public static void Silu(Span<float> x)
    {
        int i = 0;
        if (Vector128.IsHardwareAccelerated)
        {
            for (; i <= x.Length - 8; i += 8)
            {
                var v = Vector256.Create<float>(x[i..]);
                (v / (Vector256<float>.One + Exp(-v))).CopyTo(x[i..]);
            }
        }
        for (; i < x.Length; i++) x[i] /= 1 + MathF.Exp(-x[i]);
    }

    /// <summary>
    /// x := x/2 · (1 + tanh z), z = √(2/π) (x + 0.044715 x³) (Hendrycks and Gimpel 2016, arXiv:1606.08415); written x / (1 + e^−2z), which
    /// is the same and keeps its digits where tanh z nears −1.
    /// </summary>
    public static void GeluTanh(Span<float> x)
    {
        const float twice = 1.5957691216f, cubic = twice * 0.044715f;   // 2 √(2/π)
        int i = 0;
        if (Vector128.IsHardwareAccelerated)
        {
            for (; i <= x.Length - 8; i += 8)
            {
                var v = Vector256.Create<float>(x[i..]);
                (v / (Vector256<float>.One + Exp(-v * (v * v * cubic + Vector256.Create(twice))))).CopyTo(x[i..]);
            }
        }
        for (; i < x.Length; i++) x[i] /= 1 + MathF.Exp(-x[i] * (x[i] * x[i] * cubic + twice));
    }

    internal static float ExponentiateScalar(Span<float> x, float scale)
    {
        float most = float.NegativeInfinity, sum = 0;
        foreach (float value in x) most = MathF.Max(most, value);
        foreach (ref float value in x) sum += value = MathF.Exp(scale * (value - most));
        return sum;
    }

    internal static void SiluMultiplyScalar(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> destination)
    {
        for (int i = 0; i < gate.Length; i++) destination[i] = gate[i] / (1 + MathF.Exp(-gate[i])) * up[i];
    }

    /// <summary>Element-wise e^x for the tests of the approximation; a multiple of 8 values.</summary>
    internal static void Exp(Span<float> x)
    {
        for (int i = 0; i < x.Length; i += 8) Exp(Vector256.Create<float>(x[i..])).CopyTo(x[i..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float ExponentiateVector(Span<float> x, float scale)
    {
        ref float p = ref MemoryMarshal.GetReference(x);
        int whole = x.Length / 8 * 8;
        var mosts = Vector256.Create(float.NegativeInfinity);
        for (int i = 0; i < whole; i += 8) mosts = Vector256.Max(mosts, Vector256.LoadUnsafe(ref p, (nuint)i));
        float most = float.NegativeInfinity;
        for (int i = 0; i < 8; i++) most = MathF.Max(most, mosts.GetElement(i));
        for (int i = whole; i < x.Length; i++) most = MathF.Max(most, x[i]);

        Vector256<float> shift = Vector256.Create(most), sums = default;
        for (int i = 0; i < whole; i += 8)
        {
            var e = Exp((Vector256.LoadUnsafe(ref p, (nuint)i) - shift) * scale);
            e.StoreUnsafe(ref p, (nuint)i);
            sums += e;
        }
        float sum = Vector256.Sum(sums);
        for (int i = whole; i < x.Length; i++) sum += x[i] = MathF.Exp(scale * (x[i] - most));
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scale(Span<float> x, float factor)
    {
        ref float p = ref MemoryMarshal.GetReference(x);
        int i = 0;
        for (; i <= x.Length - 8; i += 8) (Vector256.LoadUnsafe(ref p, (nuint)i) * factor).StoreUnsafe(ref p, (nuint)i);
        for (; i < x.Length; i++) x[i] *= factor;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int SiluMultiplyVector(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> destination)
    {
        ref float g = ref MemoryMarshal.GetReference(gate);
        ref float u = ref MemoryMarshal.GetReference(up);
        ref float d = ref MemoryMarshal.GetReference(destination);
        int i = 0;
        for (; i <= gate.Length - 8; i += 8)
        {
            var v = Vector256.LoadUnsafe(ref g, (nuint)i);
            (v / (Vector256<float>.One + Exp(-v)) * Vector256.LoadUnsafe(ref u, (nuint)i)).StoreUnsafe(ref d, (nuint)i);
        }
        return i;
    }

    /// <summary>
    /// e^x = 2ⁿ · e^r with n = round(x / ln 2), |r| ≤ ln 2 / 2, and Taylor's polynomial of degree 7, whose rest (r⁸/8! = 5e-9) is a
    /// tenth of the last place. Within 2 ulp; 0, subnormals, infinity and NaN come out as from MathF.Exp.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Exp(Vector256<float> x)
    {
        // Beyond these the result is 0 or infinity anyway. The constant stands first, so that a NaN passes.
        x = Vector256.MinNative(Vector256.Create(90f), Vector256.MaxNative(Vector256.Create(-105f), x));
        var n = Vector256.Round(x * 1.44269504f);
        var r = Vector256.MultiplyAddEstimate(n, Vector256.Create(-0.693359375f), x); // ln 2 in a part whose multiples are exact
        r = Vector256.MultiplyAddEstimate(n, Vector256.Create(2.12194440e-4f), r);    // and the rest
        var p = Vector256.Create(1 / 5040f);
        p = Vector256.MultiplyAddEstimate(p, r, Vector256.Create(1 / 720f));
        p = Vector256.MultiplyAddEstimate(p, r, Vector256.Create(1 / 120f));
        p = Vector256.MultiplyAddEstimate(p, r, Vector256.Create(1 / 24f));
        p = Vector256.MultiplyAddEstimate(p, r, Vector256.Create(1 / 6f));
        p = Vector256.MultiplyAddEstimate(p, r, Vector256.Create(0.5f));
        p = Vector256.MultiplyAddEstimate(p, r, Vector256<float>.One);
        p = Vector256.MultiplyAddEstimate(p, r, Vector256<float>.One);
        // 2ⁿ in two factors, for n may lie outside of a float's exponents.
        var power = Vector256.ConvertToInt32Native(n);
        var half = power >> 1;
        var bias = Vector256.Create(127);
        return p * ((half + bias) << 23).AsSingle() * ((power - half + bias) << 23).AsSingle();
    }
}
