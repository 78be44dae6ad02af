using System.Numerics.Tensors;
using Quarank.Numerics;

namespace Quarank.Compression;

/// <summary>The Gram matrix made safely positive definite: dead inputs apart, λ times its mean or median eigenvalue on the
/// diagonal.</summary>
internal static class DampedGram
{
    private const double MostDamping = 10;

    /// <summary>Columns whose input was always zero. Their weights do not matter, and are taken as zero.</summary>
    public static bool[] DeadColumns(LayerProblem problem)
    {
        var h = problem.Inputs.Gram;
        var dead = new bool[h.Rows];
        for (int j = 0; j < dead.Length; j++) dead[j] = h[j, j] == 0;
        return dead;
    }

    /// <summary>W in double, with the weights of dead columns set to zero.</summary>
    public static Matrix<double> LiveWeight(LayerProblem problem, bool[] dead)
    {
        var w = new Matrix<double>(problem.Rows, problem.Columns);
        for (int i = 0; i < w.Rows; i++)
        {
            TensorPrimitives.ConvertChecked<float, double>(problem.Weight.Row(i), w.Row(i));
            for (int j = 0; j < dead.Length; j++)
                if (dead[j]) w[i, j] = 0;
        }
        return w;
    }

    /// <summary>
    /// Calls <paramref name="factor"/> on the damped matrix, with ten times the damping each time it fails, and notes the damping that
    /// it took. Parts of the median that are not enough go on as parts of the mean.
    /// </summary>
    /// <exception cref="InvalidDataException">No damping was enough.</exception>
    public static Matrix<double> Factor(LayerProblem problem, double damping, bool[] dead,
        Func<Matrix<double>, (Matrix<double>? Factor, int FailedPivot)> factor, DampingOf of = DampingOf.Mean)
    {
        var live = Live(problem, dead);
        double mean = LinearAlgebra.Trace(live) / live.Rows;
        double first = of == DampingOf.Mean || damping == 0 ? damping : damping * Unit(problem, live, dead, of) / mean;
        for (double d = first; ; d = Math.Max(1e-6, d * 10))
        {
            var h = live.Clone();
            AddToDiagonal(h, d * mean);
            var (result, pivot) = factor(h);
            if (result is not null)
            {
                if (d != first)
                    problem.Note?.Invoke(FormattableString.Invariant(
                        $"damping raised from {first:g3} to {d:g3}: the Gram matrix was not positive definite"));
                return result;
            }
            if (d >= MostDamping)
                throw new InvalidDataException($"{problem.Name}: the Gram matrix is singular at column {pivot} even with damping {d:g3}; "
                    + "calibrate with more tokens.");
        }
    }

    private static Matrix<double> Live(LayerProblem problem, bool[] dead)
    {
        var h = problem.Inputs.Gram.Clone();
        for (int j = 0; j < h.Rows; j++)
            if (dead[j]) h[j, j] = 1;
        return h;
    }

    // What damping is a part of. Dead columns, whose eigenvalue is the 1 that was put there, have no say in the median.
    private static double Unit(LayerProblem problem, Matrix<double> live, bool[] dead, DampingOf of)
    {
        if (of == DampingOf.Mean) return LinearAlgebra.Trace(live) / live.Rows;
        double[] values = SymmetricEigen.Values(problem.Inputs.Gram);
        return Math.Max(0, values[(values.Length - dead.Count(d => d)) / 2]);
    }

    private static void AddToDiagonal(Matrix<double> h, double value)
    {
        for (int j = 0; j < h.Rows; j++) h[j, j] += value;
    }
}
