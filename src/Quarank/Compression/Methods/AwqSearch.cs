using System.Numerics.Tensors;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>Which factors of a site's channels make rounding to nearest lose least, Σ tr(Δ H Δᵀ) over the site's layers.</summary>
/// <remarks>
/// Rounding errors of different columns have next to nothing to do with one another, so Σ H_jj Δ_ij² alone, which costs no product, says the loss to a few
/// per cent: only factors that it does not rule out are measured, in floats, and again exactly where floats cannot tell the best apart.
/// </remarks>
internal sealed class AwqSearch(GridFormat grid, SiteProblem site)
{
    // What the estimate may be wrong by from one try to the next, and the sums in floats.
    private const double Margin = 1.1, FloatTolerance = 1e-4;

    /// <summary>The index of the best factors, what rounding then loses, and what it loses with the first ones.</summary>
    public (int Best, double Least, double First) Best(IReadOnlyList<float[]> factors)
    {
        double[] estimates = [.. factors.Select(f => Sum(f, Estimate))];
        double limit = Margin * estimates.Min();
        double[] errors = [.. factors.Select((f, i) => i == 0 || !(estimates[i] > limit) ? Sum(f, (l, d) => LinearAlgebra.QuadraticTrace(d, l.Inputs.Gram, FloatTolerance)) : double.PositiveInfinity)];
        double near = (1 + 2 * FloatTolerance) * errors.Min();
        int[] close = [.. Enumerable.Range(0, errors.Length).Where(i => errors[i] <= near)];
        if (close.Length > 1)
            foreach (int i in close) errors[i] = Sum(factors[i], (l, d) => LinearAlgebra.QuadraticTrace(d, l.Inputs.Gram));
        int best = Array.IndexOf(errors, errors.Min());
        return (Math.Max(0, best), errors[Math.Max(0, best)], errors[0]);
    }

    private double Sum(float[] factors, Func<LayerProblem, Matrix<float>, double> loss)
    {
        float[] channels = site.OfChannels(factors);
        return site.Layers.Sum(l => loss(l, Errors(l, channels)));
    }

    private static double Estimate(LayerProblem problem, Matrix<float> errors)
    {
        var (h, rows) = (problem.Inputs.Gram, new double[errors.Rows]);
        float[] energies = [.. Enumerable.Range(0, h.Rows).Select(j => (float)h[j, j])];
        Threads.For(rows.Length, i =>
        {
            var row = errors.Row(i);
            TensorPrimitives.Multiply(row, row, row);
            rows[i] = TensorPrimitives.Dot<float>(row, energies);
        });
        return rows.Sum();
    }

    // What rounding of W diag(f) leaves, divided by f again.
    private Matrix<float> Errors(LayerProblem layer, float[] factors)
    {
        var scaled = ScaledProblem.Columns(layer.Weight, factors);
        // Scales of two levels are fitted together, all others each to its group.
        var errors = grid.Super is null ? new(layer.Rows, layer.Columns) : new RoundToNearest(grid).Compress(layer with { Weight = scaled }).ToDense();
        if (grid.Super is not null) TensorPrimitives.Subtract(errors.Data, scaled.Data, errors.Data);
        int size = grid.GroupSize == 0 ? layer.Columns : grid.GroupSize;
        Threads.For(layer.Rows, i =>
        {
            var from = scaled.Row(i);
            var to = errors.Row(i);
            for (int start = 0; start < from.Length && grid.Super is null; start += size)
            {
                var group = from[start..Math.Min(start + size, from.Length)];
                ScalarGrid.Spanning(grid, TensorPrimitives.Min<float>(group), TensorPrimitives.Max<float>(group)).Errors(group, to.Slice(start, group.Length));
            }
            TensorPrimitives.Divide(to, factors, to);
        });
        return errors;
    }
}
