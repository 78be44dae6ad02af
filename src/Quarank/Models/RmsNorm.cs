using System.Numerics.Tensors;
using Quarank.Numerics;

namespace Quarank.Models;

/// <summary>x / √(mean x² + ε) · gain (Zhang and Sennrich 2019, arXiv:1910.07467).</summary>
/// <param name="gain">One factor a feature.</param>
/// <param name="epsilon">Added to the mean square.</param>
public sealed class RmsNorm(float[] gain, float epsilon)
{
    public void Apply(ReadOnlySpan<float> x, Span<float> y)
    {
        float scale = 1 / MathF.Sqrt(TensorPrimitives.SumOfSquares(x) / x.Length + epsilon);
        TensorPrimitives.Multiply(x, scale, y);
        TensorPrimitives.Multiply(y, gain, y);
    }

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
