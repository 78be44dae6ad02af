using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Pipeline;

/// <summary>What every method must beat: weights rounded to the nearest code, ranges from the smallest to the largest, in no more bytes.</summary>
internal static class PlainRounding
{
    // Groups that packed kernels know, the finest first; 0 is the row.
    private static readonly int[] Groups = [32, 64, 128, 256, 0];

    // The estimate takes errors of different columns as unrelated. On average over a row that is what rounding gives, and a row of few columns
    // is off by some per cent; half of it is never above the truth.
    private const double Sure = 0.5;

    /// <summary>
    /// The grid of the most bits a code that fits, in the smallest groups that do. Below 2 bits and a scale a row there is none: nothing plain has
    /// the bytes of a lattice at exactly 2 bits per weight.
    /// </summary>
    public static GridFormat? Within(long bits, int rows, int columns)
    {
        for (int b = 8; b >= 2; b--)
            foreach (int group in Groups)
                if (group < columns && new GridFormat(b, group) is var grid && grid.BitsOf(rows, columns) <= bits) return grid;
        return null;
    }

    /// <summary>
    /// Plain rounding of at most <paramref name="bits"/> bits where its loss is below <paramref name="error"/>, by the plain Gram matrix and by the one that
    /// the method was fitted to: a method that was asked to spare ordinary tokens may well lose to rounding in the direction of a sink.
    /// </summary>
    /// <remarks>
    /// Costs a pass over the weights. The exact loss, as dear as that of the method, is worked out only where Σ H_jj e_ij², which rounding's is close to,
    /// does not settle it.
    /// </remarks>
    /// <returns>Null where the method is better, or no such grid exists.</returns>
    public static (Linear Layer, double Error)? Better(LayerProblem problem, Method method, Linear compressed, double error)
    {
        // A layer that rounds its inputs pays for that too, which no rounding of weights does.
        if (method is RoundToNearest || compressed.RoundsInput || Within(compressed.Bits, problem.Rows, problem.Columns) is not { } grid) return null;
        var h = problem.Inputs.Plain ?? problem.Inputs.Gram;
        double total = ProxyLoss.Total(problem);
        // Calibration never saw an input: all that can be said is how near the weights are.
        var plain = Round(problem, grid);
        var rounded = plain.ToDense();
        if (!(total > 0)) return Estimate(problem, rounded, null) < Estimate(problem, compressed.ToDense(), null) ? (plain, 0) : null;
        if (error < Sure * Estimate(problem, rounded, h) / total) return null;
        double exact = ProxyLoss.Relative(problem, rounded);
        if (!(exact < error)) return null;
        if (problem.Inputs.Plain is not null)
        {
            var fitted = problem with { Inputs = problem.Inputs with { Plain = null } };
            if (!(ProxyLoss.Relative(fitted, rounded) < ProxyLoss.Relative(fitted, compressed))) return null;
        }
        return (plain, exact);
    }

    /// <summary>Rounds the weights to a grid of at most so many bits.</summary>
    public static Linear? Of(LayerProblem problem, long bits) => Within(bits, problem.Rows, problem.Columns) is { } grid ? Round(problem, grid) : null;

    private static Linear Round(LayerProblem problem, GridFormat grid) => new RoundToNearest(grid).Compress(problem);

    /// <summary>Σ H_jj (w_ij − ŵ_ij)², H the identity where it is null, rows as losses count them. Rows are summed in order, whatever the threads.</summary>
    private static double Estimate(LayerProblem problem, Matrix<float> rounded, Matrix<double>? h)
    {
        var sums = new double[problem.Rows];
        Threads.For(problem.Rows, i =>
        {
            ReadOnlySpan<float> w = problem.Weight.Row(i), row = rounded.Row(i);
            double sum = 0;
            for (int j = 0; j < row.Length; j++)
            {
                double e = (double)w[j] - row[j];
                sum += e * e * (h?[j, j] ?? 1);
            }
            double factor = problem.RowFactors?[i] ?? 1;
            sums[i] = factor * factor * sum;
        });
        return sums.Sum();
    }
}
