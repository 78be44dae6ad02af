using System.Text.Json.Serialization;
using Quarank.Compression.Learning;
using Quarank.Compression.Rounding;
using Quarank.Layers;

namespace Quarank.Compression.Methods;

/// <summary>
/// OmniQuant's learned weight clipping (Shao et al. 2023, arXiv:2308.13137): the ends of each row's (or group's) range are σ(β) · min and
/// σ(γ) · max, β and γ learned on what the block gives; weights are rounded to the nearest code. Its learned equivalent transformation is
/// not here: the paper uses none for weights alone.
/// </summary>
/// <param name="Grid">Bits and groups; zero-points as the grid says.</param>
/// <param name="Range">Where the ends begin; a range that reaches to the ends begins a little within them, as the paper does.</param>
public sealed record OmniQuant(GridFormat Grid, GridRange Range = GridRange.MinMax) : BlockMethod
{
    /// <summary>For a few hundred steps (docs/results.md); the paper takes some thousand of 0.01.</summary>
    [JsonIgnore] public override double DefaultRate => 0.03;

    public override void Validate()
    {
        RangeChoice.ValidateInteger(Grid, Range);
        Learning.Validate();
    }

    public override long PlannedBits(LayerShape layer) => Grid.BitsOf(layer.Rows, layer.Columns);

    public override Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers) =>
        GridBudget.Nearest(Grid, bitsPerWeight, layers) is { } grid ? this with { Grid = grid } : null;

    public override long LearnedNumbers(int rows, int columns) => (Grid.Offset == GridOffset.None ? 1 : 2) * Grid.ScaleCount(rows, columns);

    internal override LearnedLayer Begin(LayerProblem problem) => new ClippedGrid(StartingPoint.Of(problem, Grid, Range, Start), Grid,
        Range == GridRange.MinMax && Start == LearningStart.Nearest ? ClippedGrid.Paper : ClippedGrid.Whole);
}
