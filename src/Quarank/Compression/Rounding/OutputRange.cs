using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Rounding;

/// <summary>
/// AWQ's clip search (Lin et al. 2023, arXiv:2306.00978; spec §6.2, step 5): weights are held within ± p · max |w| of their group, p = 1 − i / 20, and the
/// p is kept whose errors δ change the group's part of the output least, δ H δᵀ over its columns. The paper measures that on sampled tokens and
/// stops at p = 0.55; the Gram matrix holds all tokens, and 2 and 3 bits want smaller p, so this goes on to 0.3.
/// </summary>
internal static class OutputRange
{
    private const int Steps = 15, Chunk = 64;

    /// <summary>The grids of all groups, row by row.</summary>
    public static ScalarGrid[] Search(Matrix<float> weight, Matrix<double> gram, GridFormat format)
    {
        int n = weight.Columns, groups = format.GroupsOf(n), size = format.GroupSize == 0 ? n : format.GroupSize;
        int chunks = (weight.Rows + Chunk - 1) / Chunk;
        var h = RangeChoice.Single(gram);
        var grids = new ScalarGrid[weight.Rows * groups];
        Threads.For(groups * chunks, piece =>
        {
            int group = piece / chunks, first = piece % chunks * Chunk, begin = group * size;
            SearchGroup(weight, h, format, first, Math.Min(Chunk, weight.Rows - first), begin, Math.Min(size, n - begin), group, groups, grids);
        });
        return grids;
    }

    private static void SearchGroup(Matrix<float> weight, Matrix<float> h, GridFormat format, int first, int count, int begin, int size, int group, int groups,
        ScalarGrid[] grids)
    {
        var (errors, products, least) = (new float[count * size], new float[count * size], new double[count]);
        least.AsSpan().Fill(double.PositiveInfinity);
        var tried = new ScalarGrid[count];
        for (int step = 0; step < Steps; step++)
        {
            for (int i = 0; i < count; i++)
            {
                var w = weight.Row(first + i).Slice(begin, size);
                float limit = (1 - step / 20f) * Math.Abs(TensorPrimitives.MaxMagnitude<float>(w));
                tried[i] = ScalarGrid.Spanning(format, Math.Max(-limit, TensorPrimitives.Min<float>(w)), Math.Min(limit, TensorPrimitives.Max<float>(w)));
                tried[i].Errors(w, errors.AsSpan(i * size, size));
            }
            LinearAlgebra.Gemm(false, false, count, size, size, 1, errors, size, h.Data[(begin * h.Columns + begin)..], h.Columns, 0, products, size);
            for (int i = 0; i < count; i++)
            {
                double error = TensorPrimitives.Dot<float>(errors.AsSpan(i * size, size), products.AsSpan(i * size, size));
                if (error < least[i]) (least[i], grids[(first + i) * groups + group]) = (error, tried[i]);
            }
        }
    }
}
