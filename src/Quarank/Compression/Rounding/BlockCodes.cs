using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Rounding;

/// <summary>A matrix rounded by blocks of columns, with one scale: its codes and what they stand for.</summary>
internal sealed class BlockCodes
{
    private readonly IBlockCode _code;
    private readonly ulong[] _codes;

    // Without the scale; also of rows that fill up the last ones that share.
    private readonly Matrix<float> _points;

    /// <param name="points">What the codes stand for without the scale.</param>
    /// <param name="rows">Of the points, those that are the matrix's.</param>
    public BlockCodes(IBlockCode code, ulong[] codes, Matrix<float> points, int rows, float scale)
    {
        (_code, _codes, _points, Scale) = (code, codes, points, scale);
        Values = new(rows, points.Columns);
        TensorPrimitives.Multiply(points.RowRange(0, rows), scale, Values.Data);
    }

    /// <summary>What the codes stand for.</summary>
    public Matrix<float> Values { get; }

    public float Scale { get; }

    /// <summary>With feedback; the scale, at first the one that suits Gaussian weights, is fitted to what the codes have become.</summary>
    /// <param name="passes">Of descent.</param>
    /// <param name="always">Descent takes the first answer even where it raises the loss.</param>
    /// <param name="h">The Gram matrix that the loss is measured with.</param>
    public static BlockCodes WithFeedback(IBlockCode code, BlockFeedback feedback, int passes, bool always, Matrix<float> weight, Matrix<double> h)
    {
        float scale = ScaleOf(code, weight);
        var (codes, points) = new BlockRounding(code, feedback, passes, always).Round(Target(code, weight, scale));
        return Fitted(code, codes, points, weight, scale, h);
    }

    /// <summary>These codes, of another weight, made better for this one by passes of descent, and the scale fitted anew.</summary>
    /// <inheritdoc cref="WithFeedback"/>
    public BlockCodes For(BlockFeedback feedback, int passes, Matrix<float> weight, Matrix<double> h)
    {
        if (Scale == 0) return WithFeedback(_code, feedback, passes, false, weight, h);
        var (codes, points) = new BlockRounding(_code, feedback, passes).Round(Target(_code, weight, Scale), (_codes, _points));
        return Fitted(_code, codes, points, weight, Scale, h);
    }

    public Linear ToLinear() => _code.ToLinear(Values.Rows, Values.Columns, _codes, Scale);

    /// <summary>The scale for which Gaussian weights have the standard deviation that suits the code best.</summary>
    public static float ScaleOf(IBlockCode code, Matrix<float> weight) =>
        weight.Data.Length == 0 ? 0 : (float)(Math.Sqrt(TensorPrimitives.SumOfSquares<float>(weight.Data) / (double)weight.Data.Length) / code.Spread);

    /// <summary>The weights in units of the code's values, with rows of zeros to fill up the last ones that share.</summary>
    public static Matrix<float> Target(IBlockCode code, Matrix<float> weight, float scale)
    {
        var target = new Matrix<float>((weight.Rows + code.Rows - 1) / code.Rows * code.Rows, weight.Columns);
        TensorPrimitives.Multiply(weight.Data, scale == 0 ? 0 : 1 / scale, target.Data);
        return target;
    }

    // min over s of tr((W − s Q) H (W − s Q)ᵀ), with E = W − scale Q: s / scale = 1 + ⟨E, Q⟩ / ⟨Q, Q⟩, and 2 ⟨E, Q⟩ = ⟨W, W⟩ − ⟨E, E⟩ − ⟨Q, Q⟩.
    private static BlockCodes Fitted(IBlockCode code, ulong[] codes, Matrix<float> points, Matrix<float> weight, float scale, Matrix<double> h)
    {
        if (scale == 0) return new(code, codes, points, weight.Rows, 0);
        var (q, e) = (new Matrix<float>(weight.Rows, weight.Columns), weight.Clone());
        TensorPrimitives.Multiply(points.RowRange(0, weight.Rows), scale, q.Data);
        TensorPrimitives.Subtract(e.Data, q.Data, e.Data);
        double qq = LinearAlgebra.QuadraticTrace(q, h);
        double eq = (LinearAlgebra.QuadraticTrace(weight, h) - LinearAlgebra.QuadraticTrace(e, h) - qq) / 2;
        double better = scale * (1 + eq / qq);
        return new(code, codes, points, weight.Rows, qq > 0 && double.IsFinite(better) ? (float)better : scale);
    }
}
