using System.Numerics.Tensors;
using Quarank.Numerics;

namespace Quarank.Models;

/// <summary>Brings each token's vector to a standard size.</summary>
public abstract class Norm
{
    /// <summary>One token; y may be x.</summary>
    public abstract void Apply(ReadOnlySpan<float> x, Span<float> y);

    /// <summary>Row by row; y may be x.</summary>
    public void Apply(Matrix<float> x, Matrix<float> y)
    {
        if (x.Rows == 1) Apply(x.Row(0), y.Row(0));
        else ApplyAll(x, y);
    }

    private void ApplyAll(Matrix<float> x, Matrix<float> y) => RowWise.For(x.Rows, (first, count) =>
    {
        for (int i = first; i < first + count; i++) Apply(x.Row(i), y.Row(i));
    });
}

/// <summary>x / √(mean x² + ε) · gain (Zhang and Sennrich 2019, arXiv:1910.07467).</summary>
/// <param name="gain">One factor a feature.</param>
/// <param name="epsilon">Added to the mean square.</param>
public sealed class RmsNorm(float[] gain, float epsilon) : Norm
{
    internal float[] Gain => gain;

    internal float Epsilon => epsilon;

    public override void Apply(ReadOnlySpan<float> x, Span<float> y)
    {
        float scale = 1 / MathF.Sqrt(TensorPrimitives.SumOfSquares(x) / x.Length + epsilon);
        TensorPrimitives.Multiply(x, scale, y);
        TensorPrimitives.Multiply(y, gain, y);
    }
}

/// <summary>(x − mean x) / √(var x + ε) · gain + shift (Ba, Kiros and Hinton 2016, arXiv:1607.06450).</summary>
/// <param name="gain">One factor a feature; null for 1.</param>
/// <param name="shift">Added to each feature; null for 0.</param>
/// <param name="epsilon">Added to the variance.</param>
public sealed class LayerNorm(float[]? gain, float[]? shift, float epsilon) : Norm
{
    internal float[]? Gain => gain;

    internal float[]? Shift => shift;

    internal float Epsilon => epsilon;

    public override void Apply(ReadOnlySpan<float> x, Span<float> y)
    {
        TensorPrimitives.Subtract(x, TensorPrimitives.Sum(x) / x.Length, y);
        float scale = 1 / MathF.Sqrt(TensorPrimitives.SumOfSquares<float>(y) / y.Length + epsilon);
        TensorPrimitives.Multiply(y, scale, y);
        if (gain is not null) TensorPrimitives.Multiply(y, gain, y);
        if (shift is not null) TensorPrimitives.Add(y, shift, y);
    }
}
