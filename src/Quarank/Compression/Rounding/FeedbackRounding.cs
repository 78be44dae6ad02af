using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Rounding;

/// <summary>
/// Rounding with error feedback (GPTQ, and code for code LDLQ): columns left to right, the error of each spread over those still to come, so that
/// tr((W − Ŵ) H (W − Ŵ)ᵀ) grows as little as it can. Rows do not see one another.
/// </summary>
/// <param name="u">Upper triangular, H⁻¹ = Uᵀ U: <see cref="InverseFactor"/>.</param>
/// <param name="order">Which column comes first, second, …; null is left to right.</param>
/// <param name="staticGroups">Groups are fitted before anything is rounded, not on the weights as updated when a group begins.</param>
internal sealed class FeedbackRounding(Matrix<double> u, int[]? order = null, bool staticGroups = false)
{
    private const int RowChunk = 64, BlockSize = 128;
    private readonly int[] _order = order ?? [.. Enumerable.Range(0, u.Rows)];

    /// <summary>Rounds the rows of <paramref name="weight"/> into <paramref name="codes"/>, whose grids run along rows.</summary>
    /// <param name="ranges">What the grids of whole rows are fitted to, where that is not the weights themselves.</param>
    public void Round(Matrix<double> weight, GridCodes codes, Matrix<float>? ranges = null) =>
        Threads.For((weight.Rows + RowChunk - 1) / RowChunk, c =>
            RoundRows(weight, codes, ranges, c * RowChunk, Math.Min(RowChunk, weight.Rows - c * RowChunk)));

    private void RoundRows(Matrix<double> weight, GridCodes codes, Matrix<float>? ranges, int first, int count)
    {
        var layout = codes.Grid.Layout;
        int n = _order.Length, size = layout.GroupSize == 0 ? n : layout.GroupSize, groups = layout.GroupsOf(n);
        bool fitted = layout.GroupSize == 0 || staticGroups;
        var grids = new ScalarGrid[count * groups];
        if (fitted) FitAll(weight, codes, ranges, first, grids);

        var w = new double[count * n];
        for (int i = 0; i < count; i++)
            for (int j = 0; j < n; j++) w[i * n + j] = weight[first + i, _order[j]];

        var errors = new double[count * BlockSize];
        for (int begin = 0, end; begin < n; begin = end)
        {
            end = EndOfBlock(begin, n, size, fitted);
            for (int i = 0; i < count; i++)
            {
                var row = w.AsSpan(i * n, n);
                var error = errors.AsSpan(i * BlockSize, BlockSize);
                var code = codes.Row(first + i);
                for (int j = begin; j < end; j++)
                {
                    int g = i * groups + (fitted ? _order[j] : j) / size;
                    if (!fitted && j % size == 0)
                    {
                        grids[g] = codes.Grid.Fit(row[j..Math.Min(j + size, n)]);
                        codes.SetGrid(first * groups + g, grids[g]);
                    }
                    int rounded = grids[g].Code(row[j]);
                    code[_order[j]] = (byte)rounded;
                    double e = (row[j] - grids[g].Value(rounded)) / u[j, j];
                    error[j - begin] = e;
                    TensorPrimitives.MultiplyAdd(u.Row(j)[(j + 1)..end], -e, row[(j + 1)..end], row[(j + 1)..end]);
                }
            }
            if (end < n) // what the block's errors mean for all columns after it, in one product
                LinearAlgebra.Gemm(false, false, count, n - end, end - begin, -1, errors, BlockSize, u.Data[(begin * n + end)..], n, 1, w.AsSpan(end), n);
        }
    }

    // Grids that do not wait for the updates: of whole rows as they came, or of static groups.
    private static void FitAll(Matrix<double> weight, GridCodes codes, Matrix<float>? ranges, int first, ScalarGrid[] grids)
    {
        var layout = codes.Grid.Layout;
        int n = weight.Columns, groups = layout.GroupsOf(n), size = layout.GroupSize == 0 ? n : layout.GroupSize;
        var row = new double[n];
        for (int g = 0; g < grids.Length; g++)
        {
            int i = first + g / groups, start = g % groups * size;
            if (layout.GroupSize == 0 && ranges is not null) TensorPrimitives.ConvertChecked<float, double>(ranges.Row(i), row);
            else weight.Row(i).CopyTo(row);
            grids[g] = codes.Grid.Fit(row.AsSpan(start, Math.Min(size, n - start)));
            codes.SetGrid(first * groups + g, grids[g]);
        }
    }

    // A group that is fitted on updated weights must begin where a block begins or lie within one: all updates so far are then in place.
    private static int EndOfBlock(int begin, int n, int size, bool fitted)
    {
        int end = begin + BlockSize;
        if (!fitted) end = size <= BlockSize ? begin + BlockSize / size * size : Math.Min(end, (begin / size + 1) * size);
        return Math.Min(end, n);
    }

    /// <summary>
    /// U upper triangular with H⁻¹ = Uᵀ U, H read in <paramref name="order"/> (null: as it stands), from the Cholesky factor of H read
    /// backwards: J H J = L Lᵀ gives U = J L⁻¹ J. No factor, but the column that failed, when H is not positive definite.
    /// </summary>
    public static (Matrix<double>? Factor, int FailedPivot) InverseFactor(Matrix<double> h, int[]? order = null)
    {
        int n = h.Rows;
        int At(int i) => order is null ? i : order[i];
        var backwards = new Matrix<double>(n, n);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) backwards[i, j] = h[At(n - 1 - i), At(n - 1 - j)];
        if (!LinearAlgebra.TryCholesky(backwards, out var l, out int pivot)) return (null, At(n - 1 - pivot));

        var inverse = LinearAlgebra.InvertLower(l);
        inverse.Data.Reverse();
        return (inverse, 0);
    }
}
