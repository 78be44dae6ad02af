using System.Numerics;
using System.Numerics.Tensors;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;

namespace Quarank.Compression.Rounding;

/// <summary>
/// Rounding with error feedback (GPTQ): columns left to right, what has been lost so far given to each before it is rounded, so that
/// tr((W − Ŵ) H (W − Ŵ)ᵀ) grows as little as it can. Rows do not see one another.
/// </summary>
/// <remarks>
/// Columns of some rows lie one after the other, so that a step is the same for all these rows side by side. What a block of columns gets from
/// all before it is one product; within the block a column waits for those before it.
/// </remarks>
/// <param name="feedback">Of <see cref="FeedbackFactor"/>, in the same order.</param>
/// <param name="order">Which column comes first, second, …; null is left to right.</param>
/// <param name="staticGroups">Groups are fitted before anything is rounded, not on the weights as updated when a group begins.</param>
/// <param name="dead">Columns whose weights are taken as zero.</param>
internal sealed class FeedbackRounding(Matrix<float> feedback, int[]? order = null, bool staticGroups = false, bool[]? dead = null)
{
    private const int BlockSize = 128, Lane = 64;
    private readonly int _columns = feedback.Rows;

    /// <summary>Rounds the rows of <paramref name="weight"/> into <paramref name="codes"/>, whose grids run along rows.</summary>
    /// <param name="ranges">What the grids of whole rows are fitted to, where that is not the weights themselves.</param>
    public void Round<T>(Matrix<T> weight, GridCodes codes, Matrix<float>? ranges = null) where T : unmanaged, INumber<T>
    {
        var layout = codes.Grid.Layout;
        bool fitted = layout.GroupSize == 0 || staticGroups || codes.Given is not null;
        int group = layout.GroupSize == 0 ? _columns : layout.GroupSize;
        // A group that is fitted on updated weights lies within a block, or is one.
        int block = fitted ? BlockSize : group <= BlockSize ? BlockSize / group * group : group;
        var within = WithinBlocks(block);
        int chunk = Math.Clamp((weight.Rows / 8 + Lane - 1) / Lane * Lane, 2 * Lane, 8 * Lane);
        Threads.For((weight.Rows + chunk - 1) / chunk, c =>
            RoundRows(weight, codes, ranges, c * chunk, Math.Min(chunk, weight.Rows - c * chunk), fitted, group, block, within));
    }

    private void RoundRows<T>(Matrix<T> weight, GridCodes codes, Matrix<float>? ranges, int first, int count, bool fitted, int group, int block,
        float[][] within) where T : unmanaged, INumber<T>
    {
        var grids = new RowGrids(codes, first, count);
        if (fitted || codes.LooksAtRows) FitAll(weight, codes, ranges, first, count, fitted ? grids : null);
        float[] errors = Turned(weight, first, count);      // columns not rounded yet still hold their weights
        var (updated, solved, rounded) = (new float[block * count], new float[fitted ? 0 : group * count], new byte[block * count]);

        for (int begin = 0; begin < _columns; begin += block)
        {
            int size = Math.Min(block, _columns - begin);
            errors.AsSpan(begin * count, size * count).CopyTo(updated);
            if (begin > 0)
                LinearAlgebra.Gemm(true, false, size, count, begin, 1, feedback.Data[begin..], _columns, errors, count, 1, updated, count);

            // With grids at hand the block is one panel; else each of its groups is.
            int step = fitted ? size : group;
            for (int panel = 0; panel < size; panel += step)
            {
                int end = Math.Min(panel + step, size);
                for (int k = panel; k < end && panel > 0; k++)
                    FeedbackKernels.Accumulate(Column(within, begin, block, k)[..panel], errors.AsSpan(begin * count), count, updated.AsSpan(k * count, count));
                if (!fitted) FitGroup(codes, first, count, grids, begin + panel, end - panel, updated.AsSpan(panel * count), errors, solved, Column(within, begin, block, 0), panel, block);
                for (int lane = 0; lane < count; lane += Lane)
                {
                    int rows = Math.Min(Lane, count - lane);
                    for (int k = panel; k < end; k++)
                    {
                        var values = updated.AsSpan(k * count + lane, rows);
                        FeedbackKernels.Accumulate(Column(within, begin, block, k)[panel..k], errors.AsSpan((begin + panel) * count + lane), count, values);
                        int of = (fitted ? At(begin + k) : begin + k) / group;
                        grids.Round(of, lane, values, errors.AsSpan((begin + k) * count + lane, rows), rounded.AsSpan(k * count + lane, rows));
                    }
                }
            }
            Put(codes, first, count, begin, size, rounded);
        }
    }

    private void Put(GridCodes codes, int first, int count, int begin, int size, byte[] rounded)
    {
        const int tile = 32;
        for (int from = 0; from < size; from += tile)
            for (int i = 0; i < count; i++)
            {
                var row = codes.Row(first + i);
                for (int k = from; k < Math.Min(from + tile, size); k++) row[At(begin + k)] = rounded[k * count + i];
            }
    }

    /// <summary>
    /// The grids of a group, fitted to the weights that would be best were nothing of it and after it rounded: w + S A⁻¹ with the group's square
    /// of A, S what the columns before it have lost.
    /// </summary>
    private static void FitGroup(GridCodes codes, int first, int count, RowGrids grids, int begin, int size, ReadOnlySpan<float> updated, float[] weights,
        float[] solved, ReadOnlySpan<float> square, int panel, int block)
    {
        int group = begin / codes.Grid.Layout.GroupSize;
        for (int k = 0; k < size; k++)
        {
            // x_k = s_k − Σ_{j<k} x_j A_jk; kept with its sign turned.
            var x = solved.AsSpan(k * count, count);
            var s = updated.Slice(k * count, count);
            var w = weights.AsSpan((begin + k) * count, count);
            TensorPrimitives.Subtract(s, w, x);
            FeedbackKernels.Accumulate(square.Slice((panel + k) * block + panel, k), solved, count, x);
            TensorPrimitives.Negate<float>(x, x);
        }
        for (int k = 0; k < size; k++)
            TensorPrimitives.Subtract(weights.AsSpan((begin + k) * count, count), solved.AsSpan(k * count, count), solved.AsSpan(k * count, count));
        const int together = 16;    // rows, a cache line of each column
        var values = new double[together * size];
        for (int from = 0; from < count; from += together)
        {
            int rows = Math.Min(together, count - from);
            for (int k = 0; k < size; k++)
                for (int i = 0; i < rows; i++) values[i * size + k] = solved[k * count + from + i];
            for (int i = 0; i < rows; i++) grids.Set(group, from + i, codes.Fit(first + from + i, group, values.AsSpan(i * size, size)));
        }
    }

    // Grids that do not wait for the updates: of whole rows as they came, or of static groups. What is above others that do wait sees the rows too.
    private void FitAll<T>(Matrix<T> weight, GridCodes codes, Matrix<float>? ranges, int first, int count, RowGrids? grids)
        where T : unmanaged, INumber<T>
    {
        var layout = codes.Grid.Layout;
        int n = weight.Columns, groups = layout.GroupsOf(n), size = layout.GroupSize == 0 ? n : layout.GroupSize;
        var row = new double[n];
        for (int i = 0; i < count; i++)
        {
            for (int j = 0; j < n; j++)
                row[j] = layout.GroupSize == 0 && ranges is not null ? ranges[first + i, j]
                    : dead is not null && dead[j] ? 0 : double.CreateTruncating(weight[first + i, j]);
            codes.Begin(first + i, row);
            for (int g = 0; g < groups && grids is not null; g++)
                grids.Set(g, i, codes.Fit(first + i, g, row.AsSpan(g * size, Math.Min(size, n - g * size))));
        }
    }

    // Columns in their order, each of them some rows long; those that are left out are zeros.
    private float[] Turned<T>(Matrix<T> weight, int first, int count) where T : unmanaged, INumber<T>
    {
        const int tile = 16;    // rows, a cache line of each column
        var turned = new float[_columns * count];
        for (int from = 0; from < count; from += tile)
        {
            int rows = Math.Min(tile, count - from);
            var source = weight.RowRange(first + from, rows);
            for (int j = 0; j < _columns; j++)
            {
                int column = At(j);
                if (dead is not null && dead[column]) continue;
                var to = turned.AsSpan(j * count + from, rows);
                for (int i = 0; i < to.Length; i++) to[i] = float.CreateTruncating(source[i * _columns + column]);
            }
        }
        return turned;
    }

    // The squares of A on the diagonal, turned: what a column gets from each before it in its block lies together.
    private float[][] WithinBlocks(int block)
    {
        var squares = new float[(_columns + block - 1) / block][];
        Threads.For(squares.Length, b =>
        {
            int begin = b * block, size = Math.Min(block, _columns - begin);
            var square = squares[b] = new float[block * block];
            for (int j = 0; j < size; j++)
                for (int k = j + 1; k < size; k++) square[k * block + j] = feedback[begin + j, begin + k];
        });
        return squares;
    }

    // From column k of a block on.
    private static ReadOnlySpan<float> Column(float[][] within, int begin, int block, int k) => within[begin / block].AsSpan(k * block);

    private int At(int column) => order is null ? column : order[column];
}
