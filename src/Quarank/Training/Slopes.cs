using System.Numerics;
using System.Numerics.Tensors;
using Quarank.Models;

namespace Quarank.Training;

/// <summary>The non-linear functions of feed-forward parts, with their derivatives.</summary>
internal static class Slopes
{
    private const double Twice = 1.5957691216, Cubic = Twice * 0.044715;     // 2 √(2/π)

    /// <summary>value = f(x), slope = f′(x).</summary>
    public static void Of<T>(Activation f, ReadOnlySpan<T> x, Span<T> value, Span<T> slope) where T : unmanaged, IFloatingPointIeee754<T>
    {
        switch (f)
        {
            case Activation.Relu:
                for (int i = 0; i < x.Length; i++) (value[i], slope[i]) = x[i] > T.Zero ? (x[i], T.One) : (T.Zero, T.Zero);
                break;
            case Activation.Silu:
                TensorPrimitives.Sigmoid(x, slope);
                // f = x σ, f′ = σ + x σ (1 − σ)
                for (int i = 0; i < x.Length; i++)
                {
                    value[i] = x[i] * slope[i];
                    slope[i] += value[i] * (T.One - slope[i]);
                }
                break;
            case Activation.GeluTanh:
                // f = x σ(u), u = 2 √(2/π) (x + 0.044715 x³); f′ = σ + x σ (1 − σ) u′
                T twice = T.CreateChecked(Twice), cubic = T.CreateChecked(Cubic), three = T.CreateChecked(3 * Cubic);
                for (int i = 0; i < x.Length; i++) slope[i] = x[i] * (x[i] * x[i] * cubic + twice);
                TensorPrimitives.Sigmoid<T>(slope, slope);
                for (int i = 0; i < x.Length; i++)
                {
                    value[i] = x[i] * slope[i];
                    slope[i] += value[i] * (T.One - slope[i]) * (twice + three * x[i] * x[i]);
                }
                break;
            default:
                throw new NotSupportedException($"No gradient is known of the activation {f}; known are Silu, GeluTanh and Relu.");
        }
    }
}
