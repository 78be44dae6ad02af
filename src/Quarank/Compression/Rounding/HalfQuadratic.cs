using Quarank.Layers;

namespace Quarank.Compression.Rounding;

/// <summary>
/// HQQ (Badri and Shaji 2023): an offset for the min–max scale that makes Σ |w − ŵ|^0.7 small, so that few large errors are allowed and the many
/// others shrink. Half-quadratic splitting: e is the error with its small entries shrunk to nothing, then the offset is the mean of what the
/// codes leave of w − e. Errors are counted in steps, since what is small must not depend on the size of the weights.
/// </summary>
internal static class HalfQuadratic
{
    private const int Rounds = 20;
    private const double Power = 0.7, FirstPenalty = 10, PenaltyGrowth = 1.01;

    /// <param name="grid">Of the range from smallest to largest value, with a number offset; its scale stays.</param>
    public static ScalarGrid Solve(GridFormat format, ScalarGrid grid, ReadOnlySpan<double> values)
    {
        if (grid.Scale == 0) return grid;
        var (best, least, penalty) = (grid, Error(grid, values), FirstPenalty);
        for (int round = 0; round < Rounds; round++, penalty *= PenaltyGrowth)
        {
            double sum = 0;
            foreach (double w in values)
            {
                int code = grid.Code(w);
                double error = (w - grid.Value(code)) / grid.Scale, size = Math.Abs(error);
                double kept = size == 0 ? 0 : Math.Sign(error) * Math.Max(0, size - Math.Pow(size, Power - 1) / penalty);
                sum += w - kept * grid.Scale - code * grid.Scale;
            }
            grid = ScalarGrid.WithOffset(format, grid, sum / values.Length);
            double now = Error(grid, values);
            if (!(now < least)) break;
            (best, least) = (grid, now);
        }
        return best;
    }

    private static double Error(ScalarGrid grid, ReadOnlySpan<double> values)
    {
        double sum = 0;
        foreach (double w in values) sum += Math.Pow(Math.Abs(w - grid.Value(grid.Code(w))), Power);
        return sum;
    }
}
