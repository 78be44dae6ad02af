using System.Numerics.Tensors;

namespace Quarank.Models;

/// <summary>A smooth bound of scores and logits (Gemma Team 2024, arXiv:2408.00118, §2).</summary>
internal static class SoftCap
{
    /// <summary>x := cap · tanh(scale · x / cap).</summary>
    public static void Apply(Span<float> x, float scale, float cap)
    {
        TensorPrimitives.Multiply(x, scale / cap, x);
        TensorPrimitives.Tanh(x, x);
        TensorPrimitives.Multiply(x, cap, x);
    }
}
