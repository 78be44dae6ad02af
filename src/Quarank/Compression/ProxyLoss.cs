using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression;

/// <summary>The loss of a layer on its calibration inputs, the same for every method.</summary>
public static class ProxyLoss
{
    /// <summary>E‖W x − layer(x)‖² / E‖W x‖² over the calibration tokens. For a layer that rounds its input see <see cref="RoundedLoss"/> (where
    /// calibration has sums of it: not for static ranges, whose loss is the weight's alone); for all others
    /// tr((W − Ŵ) H (W − Ŵ)ᵀ) / tr(W H Wᵀ) with the undamped Gram matrix of unweighted tokens, Ŵ decoded from what is stored, rows as they were before factors were folded into them.</summary>
    public static double Relative(LayerProblem problem, Linear compressed)
    {
        if (compressed.RoundsInput && problem.Inputs.Rounded is { HasSums: true }) return RoundedLoss.Relative(problem, compressed);
        var h = problem.Inputs.Plain ?? problem.Inputs.Gram;
        var (decoded, difference) = (compressed.ToDense(), new Matrix<float>(problem.Rows, problem.Columns));
        for (int i = 0; i < problem.Rows; i++) TensorPrimitives.Subtract<float>(problem.Weight.Row(i), decoded.Row(i), difference.Row(i));
        var weight = problem.Weight;
        if (problem.RowFactors is { } factors)
        {
            weight = weight.Clone();
            for (int i = 0; i < problem.Rows; i++)
            {
                TensorPrimitives.Multiply(difference.Row(i), factors[i], difference.Row(i));
                TensorPrimitives.Multiply(weight.Row(i), factors[i], weight.Row(i));
            }
        }
        double error = LinearAlgebra.QuadraticTrace(difference, h), total = LinearAlgebra.QuadraticTrace(weight, h);
        return total > 0 ? error / total : error > 0 ? double.PositiveInfinity : 0;
    }
}
