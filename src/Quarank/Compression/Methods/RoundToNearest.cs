using System.Numerics.Tensors;
using System.Text.Json.Serialization;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>Round-to-nearest on a grid fitted to the weights alone: the baseline the others are measured against.</summary>
/// <param name="Grid">Bits and groups; zero-points as the grid says.</param>
/// <param name="Range">How the range of each row or group is chosen.</param>
public sealed record RoundToNearest(GridFormat Grid, GridRange Range = GridRange.MinMax) : Method
{
    [JsonIgnore] public override Needs Needs => Range.NeedsGram() ? Needs.Gram : Needs.Nothing;

    /// <summary>Ranges that look at inputs would otherwise serve a few sinks alone.</summary>
    [JsonIgnore] public override TokenWeights PreferredWeights => Range.NeedsGram() ? TokenWeights.Unit : TokenWeights.None;

    public override void Validate() => RangeChoice.Validate(Grid, Range);

    public override long PlannedBits(LayerShape layer) => Grid.BitsOf(layer.Rows, layer.Columns);

    public override Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers) =>
        GridBudget.Nearest(Grid, bitsPerWeight, layers) is { } grid ? this with { Grid = grid } : null;

    public override Linear Compress(LayerProblem problem)
    {
        Validate();
        var grids = Range.NeedsGram() ? RangeChoice.Grids(problem, Grid, Range, DampedGram.DeadColumns(problem)) : null;
        var codes = new GridCodes(Grid, Range, problem.Rows, problem.Columns) { Given = grids };
        Threads.For(problem.Rows, i =>
        {
            var w = new double[problem.Columns];
            TensorPrimitives.ConvertChecked<float, double>(problem.Weight.Row(i), w);
            codes.RoundRow(i, w);
        });
        return codes.ToLinear();
    }

    internal override long WorkBytes(int rows, int columns) => 16L * rows * columns + RangeChoice.WorkBytes(Range, rows, columns);
}
