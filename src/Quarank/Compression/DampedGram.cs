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
        int[] zeros = [.. Enumerable.Range(0, dead.Length).Where(j => dead[j])];
        Threads.For(w.Rows, i =>
        {
            TensorPrimitives.ConvertChecked<float, double>(problem.Weight.Row(i), w.Row(i));
            foreach (int j in zeros) w[i, j] = 0;
        });
        return w;
    }

    /// <summary>Y lower triangular with Y Yᵀ the damped matrix.</summary>
    public static Matrix<double> Cholesky(LayerProblem problem, double damping, bool[] dead, DampingOf of) =>
        Factor(problem, damping, dead, h =>
        {
            var lower = h.Lower();
            return LinearAlgebra.TryCholeskyInPlace(lower, out int pivot) ? (lower, 0) : (null, pivot);
        }, of);

    /// <summary>
    /// Calls <paramref name="factor"/> on the damped matrix, with ten times the damping each time it fails, and notes the damping that
    /// it took. Parts of the median that are not enough go on as parts of the mean.
    /// </summary>
    /// <exception cref="InvalidDataException">No damping was enough.</exception>
    public static TFactor Factor<TFactor>(LayerProblem problem, double damping, bool[] dead,
        Func<Damped, (TFactor? Factor, int FailedPivot)> factor, DampingOf of = DampingOf.Mean) where TFactor : class
    {
        var gram = problem.Inputs.Gram;
        double mean = Diagonal(gram, dead, 0).Sum() / gram.Rows;
        double first = of == DampingOf.Mean || damping == 0 ? damping : damping * Unit(problem, mean, dead, of) / mean;
        for (double d = first; ; d = Math.Max(1e-6, d * 10))
        {
            var (result, pivot) = factor(new(gram, Diagonal(gram, dead, d * mean)));
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

    private static double[] Diagonal(Matrix<double> gram, bool[] dead, double add)
    {
        var diagonal = new double[gram.Rows];
        for (int j = 0; j < diagonal.Length; j++) diagonal[j] = (dead[j] ? 1 : gram[j, j]) + add;
        return diagonal;
    }

    // What damping is a part of. Dead columns, whose eigenvalue is the 1 that was put there, have no say in the median.
    private static double Unit(LayerProblem problem, double mean, bool[] dead, DampingOf of)
    {
        if (of == DampingOf.Mean) return mean;
        double[] values = SymmetricEigen.Values(problem.Inputs.Gram);
        return Math.Max(0, values[(values.Length - dead.Count(d => d)) / 2]);
    }
}

/// <summary>A Gram matrix with another diagonal; nothing is copied until somebody needs it.</summary>
internal sealed record Damped(Matrix<double> Gram, double[] Diagonal)
{
    public int Order => Diagonal.Length;

    public double this[int i, int j] => i == j ? Diagonal[i] : Gram[i, j];

    /// <summary>The lower triangle, zeros above it.</summary>
    public Matrix<double> Lower()
    {
        var lower = new Matrix<double>(Order, Order);
        Threads.For(Order, i =>
        {
            Gram.Row(i)[..i].CopyTo(lower.Row(i));
            lower[i, i] = Diagonal[i];
        });
        return lower;
    }
}
