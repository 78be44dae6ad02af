using System.Numerics.Tensors;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>
/// GPTQ (Frantar et al. 2023, arXiv:2210.17323): rounds columns left to right, each time spreading the rounding error over the columns
/// still to come, as the inverse Hessian says.
/// </summary>
/// <param name="Grid">Bits and groups; zero-points as the grid says.</param>
/// <param name="Range">How the range of each row or group is chosen.</param>
/// <param name="Damping">λ: λ · mean(diag H) is added to the diagonal.</param>
/// <param name="ActOrder">Columns in order of falling diag H, so that what matters most is rounded while most can still make up for it.</param>
/// <param name="DampingOf">What λ is a part of, if not of the mean.</param>
/// <param name="StaticGroups">Groups are fitted on the original weights, not on those updated when the group begins.</param>
public sealed record Gptq(GridFormat Grid, GridRange Range = GridRange.MinMax, double Damping = 0.01, bool ActOrder = false, bool StaticGroups = false,
    DampingOf DampingOf = DampingOf.Mean) : Method
{
    private const int RowChunk = 64, BlockSize = 128;

    public override void Validate()
    {
        ValidateGrid(Grid);
        if (!(Damping >= 0 && double.IsFinite(Damping))) throw new ArgumentException($"Damping is a number from 0 on, not {Damping}.");
        if (ActOrder && Grid.GroupSize != 0 && !StaticGroups)
            throw new ArgumentException("Act-order with groups needs static groups: otherwise the order of the columns would have to be stored.");
    }

    internal static void ValidateGrid(GridFormat grid)
    {
        grid.Validate();
        if (grid.Axis != GridAxis.Rows || grid.Offset == GridOffset.Number)
            throw new ArgumentException("This method's grid runs along rows, with an integer zero-point or none.");
    }

    public override long PlannedBits(LayerShape layer) => Grid.BitsOf(layer.Rows, layer.Columns);

    public override Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers) =>
        GridBudget.Nearest(Grid, bitsPerWeight, layers) is { } grid ? this with { Grid = grid } : null;

    public override Linear Compress(LayerProblem problem)
    {
        Validate();
        var dead = DampedGram.DeadColumns(problem);
        int[] order = Order(problem.Inputs.Gram);
        var u = DampedGram.Factor(problem, Damping, dead, h => InverseFactor(h, order), DampingOf);
        var weight = DampedGram.LiveWeight(problem, dead);
        var codes = new GridCodes(Grid, problem.Rows, problem.Columns);
        Threads.For((problem.Rows + RowChunk - 1) / RowChunk, c =>
            RoundRows(problem, weight, order, u, codes, c * RowChunk, Math.Min(RowChunk, problem.Rows - c * RowChunk)));
        return codes.ToLinear();
    }

    // Rows do not see one another, so each range of rows goes through all columns by itself.
    private void RoundRows(LayerProblem problem, Matrix<double> weight, int[] order, Matrix<double> u, GridCodes codes, int first, int count)
    {
        int n = order.Length, size = Grid.GroupSize == 0 ? n : Grid.GroupSize, groups = Grid.GroupsOf(n);
        bool fitted = Grid.GroupSize == 0 || StaticGroups;
        var grids = new ScalarGrid[count * groups];
        if (fitted) FitAll(problem, weight, codes, first, grids);

        var w = new double[count * n];
        for (int i = 0; i < count; i++)
            for (int j = 0; j < n; j++) w[i * n + j] = weight[first + i, order[j]];

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
                    int g = i * groups + (fitted ? order[j] : j) / size;
                    if (!fitted && j % size == 0)
                    {
                        grids[g] = ScalarGrid.Fit(Grid, Range, row[j..Math.Min(j + size, n)]);
                        codes.SetGrid(first * groups + g, grids[g]);
                    }
                    int rounded = grids[g].Code(row[j]);
                    code[order[j]] = (byte)rounded;
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
    private void FitAll(LayerProblem problem, Matrix<double> weight, GridCodes codes, int first, ScalarGrid[] grids)
    {
        int n = problem.Columns, groups = Grid.GroupsOf(n), size = Grid.GroupSize == 0 ? n : Grid.GroupSize;
        var row = new double[n];
        for (int g = 0; g < grids.Length; g++)
        {
            int i = first + g / groups, start = g % groups * size;
            if (Grid.GroupSize == 0) TensorPrimitives.ConvertChecked<float, double>(problem.Weight.Row(i), row);
            else weight.Row(i).CopyTo(row);
            grids[g] = ScalarGrid.Fit(Grid, Range, row.AsSpan(start, Math.Min(size, n - start)));
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

    private int[] Order(Matrix<double> h)
    {
        var columns = Enumerable.Range(0, h.Rows);
        return [.. ActOrder ? columns.OrderByDescending(j => h[j, j]) : columns];
    }

    // U upper triangular with H⁻¹ = Uᵀ U, from the Cholesky factor of H read backwards: J H J = L Lᵀ gives U = J L⁻¹ J.
    private static (Matrix<double>?, int) InverseFactor(Matrix<double> h, int[] order)
    {
        int n = h.Rows;
        var backwards = new Matrix<double>(n, n);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) backwards[i, j] = h[order[n - 1 - i], order[n - 1 - j]];
        if (!LinearAlgebra.TryCholesky(backwards, out var l, out int pivot)) return (null, order[n - 1 - pivot]);

        var inverse = LinearAlgebra.InvertLower(l);
        inverse.Data.Reverse();
        return (inverse, 0);
    }
}
