using Quarank.Numerics;
using Quarank.Numerics.Lattice;

namespace Quarank.Compression.Rounding;

/// <summary>
/// What rounding by groups of eight columns needs of a damped Gram matrix: H = L D Lᵀ with L unit block-lower triangular, and H with each group of
/// columns divided by its own square of H (Tseng et al. 2024, arXiv:2402.04396). Columns beyond the matrix fill the last group: nothing depends on them.
/// </summary>
/// <param name="Lower">L in float; only the groups below the diagonal are read.</param>
/// <param name="Descent">H · diag(H_kk)⁻¹ in float: what coordinate descent of a group adds to it for each error; null where no pass asks for it.</param>
internal sealed record BlockFeedback(Matrix<float> Lower, Matrix<float>? Descent)
{
    public const int Group = E8Codebook.Dimension;

    /// <summary>No feedback, but the column that failed, when H is not positive definite.</summary>
    public static (BlockFeedback? Feedback, int FailedPivot) Of(Damped h, bool descent)
    {
        var full = Padded(h);
        var lower = Triangle(full);
        if (!LinearAlgebra.TryCholeskyInPlace(lower, out int pivot)) return (null, Math.Min(pivot, h.Order - 1));
        return (new(UnitBlocks(lower), descent ? DividedBlocks(full) : null), 0);
    }

    private static Matrix<double> Padded(Damped h)
    {
        int n = (h.Order + Group - 1) / Group * Group;
        var full = new Matrix<double>(n, n);
        double mean = h.Diagonal.Average();
        Threads.For(n, i =>
        {
            if (i < h.Order) h.Gram.Row(i).CopyTo(full.Row(i));
            full[i, i] = i < h.Order ? h.Diagonal[i] : mean;
        });
        return full;
    }

    private static Matrix<double> Triangle(Matrix<double> full)
    {
        var lower = new Matrix<double>(full.Rows, full.Rows);
        Threads.For(full.Rows, i => full.Row(i)[..(i + 1)].CopyTo(lower.Row(i)));
        return lower;
    }

    // Column group k of the Cholesky factor times the inverse of its square on the diagonal.
    private static Matrix<float> UnitBlocks(Matrix<double> lower)
    {
        int n = lower.Rows;
        var unit = new Matrix<float>(n, n);
        Threads.For(n / Group, g =>
        {
            Span<double> x = stackalloc double[Group];
            for (int i = g * Group; i < (g + 1) * Group; i++)
                for (int k = 0; k < g; k++)
                {
                    lower.Row(i).Slice(k * Group, Group).CopyTo(x);
                    SolveRight(lower, k * Group, x);
                    for (int j = 0; j < Group; j++) unit[i, k * Group + j] = (float)x[j];
                }
        });
        return unit;
    }

    private static Matrix<float> DividedBlocks(Matrix<double> full)
    {
        int n = full.Rows;
        var squares = new Matrix<double>(n, Group);
        for (int i = 0; i < n; i++) full.Row(i).Slice(i / Group * Group, Group).CopyTo(squares.Row(i));
        var factors = Enumerable.Range(0, n / Group).Select(k =>
        {
            var square = new Matrix<double>(Group, Group, squares.RowRange(k * Group, Group).ToArray());
            return LinearAlgebra.TryCholeskyInPlace(square, out _) ? square
                : throw new InvalidOperationException("A square on the diagonal of a positive definite matrix is not positive definite.");
        }).ToArray();
        var divided = new Matrix<float>(n, n);
        Threads.For(n, i =>
        {
            Span<double> x = stackalloc double[Group];
            for (int k = 0; k < n / Group; k++)
            {
                full.Row(i).Slice(k * Group, Group).CopyTo(x);
                SolveRightTransposed(factors[k], x);
                SolveRight(factors[k], 0, x);
                for (int j = 0; j < Group; j++) divided[i, k * Group + j] = (float)x[j];
            }
        });
        return divided;
    }

    // x ← x C⁻¹ with C the lower square that begins on the diagonal.
    private static void SolveRight(Matrix<double> lower, int first, Span<double> x)
    {
        for (int j = Group - 1; j >= 0; j--)
        {
            for (int t = j + 1; t < Group; t++) x[j] -= x[t] * lower[first + t, first + j];
            x[j] /= lower[first + j, first + j];
        }
    }

    // x ← x C⁻ᵀ.
    private static void SolveRightTransposed(Matrix<double> lower, Span<double> x)
    {
        for (int j = 0; j < Group; j++)
        {
            for (int t = 0; t < j; t++) x[j] -= x[t] * lower[j, t];
            x[j] /= lower[j, j];
        }
    }
}
