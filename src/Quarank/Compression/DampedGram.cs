using System.Numerics.Tensors;
using Quarank.Numerics;

namespace Quarank.Compression;

/// <summary>The Gram matrix made safely positive definite: dead inputs apart, λ · mean(diag H) on the diagonal.</summary>
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

    /// <summary>H + damping · mean(diag H) · I, a dead column's diagonal being 1 before.</summary>
    public static Matrix<double> Of(LayerProblem problem, double damping, bool[] dead)
    {
        var h = problem.Inputs.Gram.Clone();
        double mean = 0;
        for (int j = 0; j < h.Rows; j++)
        {
            if (dead[j]) h[j, j] = 1;
            mean += h[j, j] / h.Rows;
        }
        for (int j = 0; j < h.Rows; j++) h[j, j] += damping * mean;
        return h;
    }

    /// <summary>
    /// Calls <paramref name="factor"/> on the damped matrix, with ten times the damping each time it fails, and notes the damping that it took.
    /// </summary>
    /// <exception cref="InvalidDataException">No damping was enough.</exception>
    public static Matrix<double> Factor(LayerProblem problem, double damping, bool[] dead, Func<Matrix<double>, (Matrix<double>? Factor, int FailedPivot)> factor)
    {
        for (double d = damping; ; d = d == 0 ? 1e-6 : d * 10)
        {
            var (result, pivot) = factor(Of(problem, d, dead));
            if (result is not null)
            {
                if (d != damping) problem.Note?.Invoke(FormattableString.Invariant($"damping raised from {damping:g3} to {d:g3}: the Gram matrix was not positive definite"));
                return result;
            }
            if (d >= MostDamping)
                throw new InvalidDataException($"{problem.Name}: the Gram matrix is singular at column {pivot} even with damping {d:g3}; calibrate with more tokens.");
        }
    }
}
