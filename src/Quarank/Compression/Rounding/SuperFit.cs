using Quarank.Layers;

namespace Quarank.Compression.Rounding;

/// <summary>
/// Scales of two levels while they are found. The float16 numbers of a row are fitted to its weights as they came, so that the largest scale (and
/// offset) under each has the largest integer; then a group, whenever its turn comes, takes of three neighbouring integers the one that rounds it best.
/// </summary>
internal sealed class SuperFit(CodeGrid grid, int rows, int columns)
{
    private readonly SuperScales _super = grid.Layout.Super!;
    private readonly int _count = grid.Layout.Super!.CountOf(columns);
    private readonly float[] _scales = new float[rows * grid.Layout.Super!.CountOf(columns)];
    private readonly float[] _offsets = new float[rows * grid.Layout.Super!.CountOf(columns)];

    /// <summary>Fits what is above the groups of row i.</summary>
    public void Begin(int i, ReadOnlySpan<double> row)
    {
        int size = grid.Layout.GroupSize, groups = grid.Layout.GroupsOf(columns);
        var (largest, lowest) = (new double[_count], new double[_count]);
        for (int g = 0; g < groups; g++)
        {
            var fitted = Wanted(row[(g * size)..Math.Min((g + 1) * size, columns)]);
            int s = _super.Of(g, size);
            (largest[s], lowest[s]) = (Math.Max(largest[s], fitted.Scale), Math.Max(lowest[s], -fitted.Offset));
        }
        for (int s = 0; s < _count; s++) (_scales[i * _count + s], _offsets[i * _count + s]) = (Above(largest[s]), Above(lowest[s]));
    }

    /// <summary>The grid of a group of row i.</summary>
    public ScalarGrid Fit(int i, int group, ReadOnlySpan<double> values)
    {
        int at = i * _count + _super.Of(group, grid.Layout.GroupSize);
        var wanted = Wanted(values);
        int middle = Nearest(_scales[at], wanted.Scale), low = grid.Layout.Offset == GridOffset.Number ? Nearest(_offsets[at], -wanted.Offset) : 0;
        var (best, least) = (default(ScalarGrid), double.PositiveInfinity);
        for (int code = Math.Max(1, middle - 1); code <= Math.Min(_super.MaxCode, middle + 1); code++)
        {
            double scale = _super.ValueOf(_scales[at], code);
            int zero = grid.Layout.Offset == GridOffset.ZeroPoint && scale > 0
                ? (int)Math.Clamp(Math.Round(wanted.Zero * wanted.Scale / scale), 0, wanted.MaxCode) : wanted.Zero;
            var tried = new ScalarGrid(scale, zero, -_super.ValueOf(_offsets[at], low), wanted.MaxCode) { Codes = ((byte)code, (byte)low) };
            double error = 0;
            foreach (double w in values)
            {
                double d = tried.Value(tried.Code(w)) - w;
                error += d * d;
            }
            if (error < least) (best, least) = (tried, error);
        }
        return best;
    }

    /// <summary>The numbers of two levels of the grids that were taken; of offsets null where the format has none.</summary>
    public (TwoLevelNumbers Scales, TwoLevelNumbers? Offsets) Numbers(ScalarGrid[] grids) =>
        (new([.. grids.Select(g => g.Codes.Scale)], _scales),
            grid.Layout.Offset == GridOffset.Number ? new([.. grids.Select(g => g.Codes.Offset)], _offsets) : null);

    // As if scales were numbers of their own; offsets are never above zero, so that their magnitudes can be stored.
    private ScalarGrid Wanted(ReadOnlySpan<double> values)
    {
        var fitted = ScalarGrid.Fit(grid.Layout, grid.Range, values);
        return fitted.Offset <= 0 ? fitted : fitted with { Offset = 0, Scale = (fitted.Offset + fitted.Scale * fitted.MaxCode) / fitted.MaxCode };
    }

    private float Above(double largest) => (float)(Half)Math.Min(65504, Math.ScaleB(largest, _super.Bits) / _super.MaxCode);

    private int Nearest(float super, double value) =>
        super == 0 ? 0 : (int)Math.Clamp(Math.Round(Math.ScaleB(value, _super.Bits) / super), 0, _super.MaxCode);
}
