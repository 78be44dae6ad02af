using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Rounding;

/// <summary>A matrix rounded by blocks of columns, with one scale: what its codes stand for, and how they are stored.</summary>
internal abstract class BlockCodes
{
    /// <param name="values">Without the scale, which is multiplied into them.</param>
    protected BlockCodes(Matrix<float> values, float scale)
    {
        (Values, Scale) = (values, scale);
        TensorPrimitives.Multiply(values.Data, scale, values.Data);
    }

    /// <summary>What the codes stand for, the scale in it.</summary>
    public Matrix<float> Values { get; }
    public float Scale { get; }

    public abstract Linear ToLinear();

    /// <summary>The scale for which weights have the standard deviation that suits a code best.</summary>
    protected static float ScaleOf(ReadOnlySpan<float> weights, double bestScale) =>
        weights.Length == 0 ? 0 : (float)(Math.Sqrt(TensorPrimitives.SumOfSquares(weights) / (double)weights.Length) / bestScale);

    protected static Matrix<float> Divided(Matrix<float> weight, float scale)
    {
        var divided = weight.Clone();
        TensorPrimitives.Multiply(divided.Data, scale == 0 ? 0 : 1 / scale, divided.Data);
        return divided;
    }

    /// <summary>The scale that is best for what the codes have become.</summary>
    /// <param name="values">Without a scale.</param>
    /// <param name="h">The Gram matrix that the loss is measured with.</param>
    protected static float FittedScale(Matrix<float> weight, Matrix<float> values, float scale, Matrix<double> h)
    {
        if (scale == 0) return 0;
        // min over s of tr((W − s Q) H (W − s Q)ᵀ), with E = W − scale Q: s / scale = 1 + ⟨E, Q⟩ / ⟨Q, Q⟩, and 2 ⟨E, Q⟩ = ⟨W, W⟩ − ⟨E, E⟩ − ⟨Q, Q⟩.
        var (q, e) = (values.Clone(), weight.Clone());
        TensorPrimitives.Multiply(q.Data, scale, q.Data);
        TensorPrimitives.Subtract(e.Data, q.Data, e.Data);
        double qq = LinearAlgebra.QuadraticTrace(q, h);
        double eq = (LinearAlgebra.QuadraticTrace(weight, h) - LinearAlgebra.QuadraticTrace(e, h) - qq) / 2;
        double better = scale * (1 + eq / qq);
        return qq > 0 && double.IsFinite(better) ? (float)better : scale;
    }
}
