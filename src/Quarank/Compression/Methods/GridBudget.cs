using Quarank.Layers;

namespace Quarank.Compression.Methods;

/// <summary>Which bits and group size bring a grid to a given size: the same for every layer, so only some sizes exist.</summary>
internal static class GridBudget
{
    // Below 16 columns a group's scale and zero-point take more than a bit of every weight.
    private static readonly int[] GroupSizes = [0, 16, 20, 24, 28, 32, 36, 40, 48, 56, 64, 80, 96, 128, 192, 256];

    // Of grids as near as that, more bits in larger groups are better than fewer in smaller ones.
    private const double AsNear = 0.02;

    /// <summary>The grid whose stored bits are nearest to the budget and exceed it by at most <see cref="Method.Excess"/>.</summary>
    /// <param name="grid">Says all but bits and group size.</param>
    /// <returns>Null if even the smallest grid is too large, or all are far too small.</returns>
    public static GridFormat? Nearest(GridFormat grid, double bitsPerWeight, IReadOnlyList<LayerShape> layers)
    {
        double weights = layers.Sum(l => (double)l.Rows * l.Columns);
        var fitting = new List<(GridFormat Grid, double Size)>();
        for (int bits = 2; bits <= 8; bits++)
            foreach (int group in GroupSizes)
            {
                if (grid.Super is { } super && (group == 0 || super.Columns % group != 0)) continue;
                var candidate = grid with { Bits = bits, GroupSize = group };
                double size = layers.Sum(l => candidate.BitsOf(l.Rows, l.Columns)) / weights / bitsPerWeight;
                if (size <= 1 + Method.Excess && size >= 0.9) fitting.Add((candidate, size));
            }
        if (fitting.Count == 0) return null;
        double nearest = fitting.Min(f => Math.Abs(1 - f.Size));
        return fitting.Where(f => Math.Abs(1 - f.Size) <= nearest + AsNear)
            .OrderByDescending(f => f.Grid.Bits).ThenBy(f => Math.Abs(1 - f.Size)).First().Grid;
    }
}
