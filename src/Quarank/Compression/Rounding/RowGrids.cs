using Quarank.Numerics.Kernels;

namespace Quarank.Compression.Rounding;

/// <summary>The grids of some rows, group after group, as rounding of a column in all these rows at once wants them.</summary>
/// <param name="codes">Told of every grid that is set.</param>
/// <param name="first">The first of <paramref name="count"/> rows.</param>
internal sealed class RowGrids(GridCodes codes, int first, int count)
{
    private readonly int _groups = codes.Grid.Layout.GroupsOf(codes.Columns);
    private readonly ScalarGrid[] _grids = new ScalarGrid[count * codes.Grid.Layout.GroupsOf(codes.Columns)];
    private readonly double[] _numbers = new double[4 * count * codes.Grid.Layout.GroupsOf(codes.Columns)];

    /// <summary>Sets the grid of a group of row i, counted from the first.</summary>
    public void Set(int group, int i, ScalarGrid grid)
    {
        _grids[group * count + i] = grid;
        codes.SetGrid((first + i) * _groups + group, grid);
        // A grid without steps has one value, which anything infinitely far from its neighbours is nearest to.
        var numbers = _numbers.AsSpan(4 * count * group + i);
        (numbers[0], numbers[count]) = (grid.Scale == 0 ? double.PositiveInfinity : grid.Scale, grid.Scale);
        (numbers[2 * count], numbers[3 * count]) = (grid.Zero, grid.Offset);
    }

    /// <summary>Rounds a column in rows <paramref name="from"/> on, and takes what the codes stand for from <paramref name="errors"/>.</summary>
    public void Round(int group, int from, ReadOnlySpan<float> values, Span<float> errors, Span<byte> rounded)
    {
        if (codes.Grid.Table is null)
        {
            FeedbackKernels.Round(values, _numbers.AsSpan(4 * count * group + from), count, codes.Grid.Layout.MaxCode, errors, rounded);
            return;
        }
        for (int i = 0; i < values.Length; i++)
        {
            ref readonly var grid = ref _grids[group * count + from + i];
            int code = grid.Code(values[i]);
            rounded[i] = (byte)code;
            errors[i] -= (float)grid.Value(code);
        }
    }
}
