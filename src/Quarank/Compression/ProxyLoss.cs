using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression;

/// <summary>The loss of a layer on its calibration inputs, the same for every method.</summary>
public static class ProxyLoss
{
    /// <summary>tr((W − Ŵ) H (W − Ŵ)ᵀ) / tr(W H Wᵀ) with the undamped Gram matrix of unweighted tokens, Ŵ decoded from what is stored.</summary>
    public static double Relative(LayerProblem problem, Linear compressed)
    {
        var h = problem.Inputs.Plain ?? problem.Inputs.Gram;
        var (decoded, difference) = (compressed.ToDense(), new Matrix<float>(problem.Rows, problem.Columns));
        for (int i = 0; i < problem.Rows; i++) TensorPrimitives.Subtract<float>(problem.Weight.Row(i), decoded.Row(i), difference.Row(i));
        double error = LinearAlgebra.QuadraticTrace(difference, h), total = LinearAlgebra.QuadraticTrace(problem.Weight, h);
        return total > 0 ? error / total : error > 0 ? double.PositiveInfinity : 0;
    }
}
