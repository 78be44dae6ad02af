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
    public static double Relative(LayerProblem problem, Linear compressed) =>
        OfRoundedInputs(problem, compressed) ?? Relative(problem, compressed.ToDense());

    /// <summary>As above, of a layer that has been decoded already.</summary>
    internal static double Relative(LayerProblem problem, Linear compressed, Matrix<float> decoded) =>
        OfRoundedInputs(problem, compressed) ?? Relative(problem, decoded);

    private static double? OfRoundedInputs(LayerProblem problem, Linear compressed) =>
        compressed.RoundsInput && problem.Inputs.Rounded is { HasSums: true } ? RoundedLoss.Relative(problem, compressed) : null;

    /// <summary>The loss of a weight, whatever becomes of inputs.</summary>
    internal static double Relative(LayerProblem problem, Matrix<float> decoded)
    {
        var difference = new Matrix<float>(problem.Rows, problem.Columns);
        for (int i = 0; i < problem.Rows; i++) TensorPrimitives.Subtract<float>(problem.Weight.Row(i), decoded.Row(i), difference.Row(i));
        Scale(difference, problem.RowFactors);
        double error = LinearAlgebra.QuadraticTrace(difference, problem.Inputs.Plain ?? problem.Inputs.Gram), total = Total(problem);
        return total > 0 ? error / total : error > 0 ? double.PositiveInfinity : 0;
    }

    /// <summary>tr(W H Wᵀ), what losses are relative to.</summary>
    internal static double Total(LayerProblem problem)
    {
        var weight = problem.Weight;
        if (problem.RowFactors is { } factors) Scale(weight = weight.Clone(), factors);
        return LinearAlgebra.QuadraticTrace(weight, problem.Inputs.Plain ?? problem.Inputs.Gram);
    }

    private static void Scale(Matrix<float> rows, float[]? factors)
    {
        if (factors is null) return;
        for (int i = 0; i < rows.Rows; i++) TensorPrimitives.Multiply(rows.Row(i), factors[i], rows.Row(i));
    }
}
