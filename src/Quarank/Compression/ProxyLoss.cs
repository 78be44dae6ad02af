using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression;

/// <summary>The loss of a layer on its calibration inputs, the same for every method.</summary>
public static class ProxyLoss
{
    private const int RowChunk = 64;

    /// <summary>tr((W − Ŵ) H (W − Ŵ)ᵀ) / tr(W H Wᵀ) with the undamped Gram matrix of unweighted tokens, Ŵ decoded from what is stored.</summary>
    public static double Relative(LayerProblem problem, Linear compressed)
    {
        int n = problem.Columns, chunks = (problem.Rows + RowChunk - 1) / RowChunk;
        var h = problem.Inputs.Plain ?? problem.Inputs.Gram;
        var decoded = compressed.ToDense();
        var (errors, totals) = (new double[chunks], new double[chunks]);
        Threads.For(chunks, c =>
        {
            int first = c * RowChunk, count = Math.Min(RowChunk, problem.Rows - first);
            var (w, d) = (new double[count * n], new double[count * n]);
            TensorPrimitives.ConvertChecked<float, double>(problem.Weight.RowRange(first, count), w);
            TensorPrimitives.ConvertChecked<float, double>(decoded.RowRange(first, count), d);
            TensorPrimitives.Subtract(w, d, d);
            totals[c] = Quadratic(w, h, count);
            errors[c] = Quadratic(d, h, count);
        });
        double error = errors.Sum(), total = totals.Sum();
        return total > 0 ? error / total : error > 0 ? double.PositiveInfinity : 0;
    }

    // tr(A H Aᵀ) of count rows.
    private static double Quadratic(double[] a, Matrix<double> h, int count)
    {
        int n = h.Rows;
        var product = new double[count * n];
        LinearAlgebra.Gemm(false, false, count, n, n, 1, a, n, h.Data, n, 0, product, n);
        return TensorPrimitives.Dot<double>(a, product);
    }
}
