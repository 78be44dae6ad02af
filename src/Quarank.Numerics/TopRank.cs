using System.Numerics.Tensors;

namespace Quarank.Numerics;

/// <summary>
/// The best rank-r factors of a matrix: a ≈ U · diag(Values) · Vt, U m × r and Vt r × n with orthonormal columns and rows, values
/// falling. Where r exceeds the numerical rank the last values are zero and so are their columns and rows.
/// </summary>
/// <param name="Energy">‖a‖², the sum of all squared singular values.</param>
/// <param name="Captured">The sum of the squared values kept; Energy − Captured is the squared error of the product.</param>
/// <param name="Residual">‖G u − λ u‖, root mean square over the r vectors, relative to the largest λ; G is the smaller Gram matrix.</param>
/// <param name="Passes">Products with the Gram matrix; 0 for the exact solver.</param>
/// <param name="Converged">Whether the last passes changed the squared error by less than the tolerance asked for.</param>
public sealed record TopRankFactors(
    Matrix<double> U, double[] Values, Matrix<double> Vt, double Energy, double Captured, double Residual, int Passes, bool Converged);

/// <summary>
/// Top-r factors through the Gram matrix of the smaller side: its eigenvectors by LAPACK up to an order of <see cref="ExactOrder"/>, beyond it by
/// block iteration with a dynamic shift (<see cref="ShiftedIteration"/>); in float where that is enough (<see cref="SingleSubspace"/>), in double
/// elsewhere.
/// </summary>
public static class TopRank
{
    /// <summary>Orders up to this are solved exactly unless asked otherwise.</summary>
    public const int ExactOrder = 2048;

    /// <param name="a">m × n, already weighted if it is to be weighted.</param>
    /// <param name="rank">0 … min(m, n).</param>
    /// <param name="exactOrder">The largest smaller side that is solved by LAPACK.</param>
    /// <param name="tolerance">The iteration ends when two passes lower the squared error by less than this share of it.</param>
    /// <param name="seed">Of the iteration's start.</param>
    /// <param name="singleOrder">Smaller sides below this are always solved in double.</param>
    /// <exception cref="ArgumentException">The rank is out of range, or a is not finite.</exception>
    public static TopRankFactors Factor(
        Matrix<double> a, int rank, int exactOrder = ExactOrder, double tolerance = 5e-3, int seed = 0,
        int singleOrder = SingleSubspace.SmallestOrder)
    {
        int order = Math.Min(a.Rows, a.Columns);
        if (rank < 0 || rank > order)
            throw new ArgumentOutOfRangeException(nameof(rank), rank, $"A {a.Rows}x{a.Columns} matrix has no rank of {rank}.");
        bool wide = a.Rows <= a.Columns;
        double energy = Energy(a);
        if (!double.IsFinite(energy)) throw new ArgumentException("The matrix, or its squares, are not finite.", nameof(a));
        if (energy > 0 && rank > 0 && order >= singleOrder
            && SingleSubspace.TryFind(a, wide, rank, energy, new(exactOrder, tolerance, seed)) is var (top, made, end))
            return Assemble(a, wide, energy, top, made, end.Residual, end.Passes, end.Converged);

        var gram = wide ? LinearAlgebra.Syrk(a) : LinearAlgebra.SyrkTransposed(a);
        var (vectors, residual, passes, converged) = order <= exactOrder
            ? (SymmetricEigen.Top(gram, rank).Vectors, 0, 0, true)
            : ShiftedIteration.Top(gram, rank, energy, tolerance, seed);
        var images = wide ? LinearAlgebra.Multiply(vectors, a) : LinearAlgebra.MultiplyTransposed(vectors, a);
        return Assemble(a, wide, energy, vectors, images, residual, passes, converged);
    }

    private static double Energy(Matrix<double> a)
    {
        var rows = new double[a.Rows];
        Threads.For(a.Rows, i => rows[i] = TensorPrimitives.SumOfSquares<double>(a.Row(i)));
        return rows.Sum();
    }

    // With orthonormal rows e_i of one side, the other side is what a makes of them: a = Σ e_i (e_iᵀ a), and the values are their
    // norms. They come from a itself, not from its Gram matrix, whose small eigenvalues carry the rounding of the largest.
    private static TopRankFactors Assemble(
        Matrix<double> a, bool wide, double energy, Matrix<double> vectors, Matrix<double> images, double residual, int passes,
        bool converged)
    {
        int rank = vectors.Rows;
        var norms = new double[rank];
        for (int i = 0; i < rank; i++) norms[i] = TensorPrimitives.Norm<double>(images.Row(i));
        // Eigenvalues lost in rounding may be out of order.
        int[] order = [.. Enumerable.Range(0, rank).OrderByDescending(i => norms[i])];
        double floor = rank == 0 ? 0 : norms[order[0]] * Math.Min(a.Rows, a.Columns) * 1.1e-16;

        var (u, vt, values) = (new Matrix<double>(a.Rows, rank), new Matrix<double>(rank, a.Columns), new double[rank]);
        double captured = 0;
        int kept = 0;
        for (int k = 0; k < rank; k++)
        {
            int i = order[k];
            if (norms[i] <= floor) break; // the rest stays zero
            values[k] = norms[i];
            captured += norms[i] * norms[i];
            TensorPrimitives.Divide(images.Row(i), norms[i], images.Row(i));
            (wide ? images : vectors).Row(i).CopyTo(vt.Row(k));
            kept++;
        }
        var left = wide ? vectors : images;
        Threads.For(a.Rows, j =>
        {
            for (int k = 0; k < kept; k++) u[j, k] = left[order[k], j];
        });
        return new(u, values, vt, energy, captured, residual, passes, converged);
    }
}
