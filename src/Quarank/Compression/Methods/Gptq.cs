using System.Text.Json.Serialization;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>
/// GPTQ (Frantar et al. 2023, arXiv:2210.17323): rounds columns left to right, each time spreading the rounding error over the columns
/// still to come, as the inverse Hessian says.
/// </summary>
/// <param name="Grid">Bits, groups, offsets, and scales of one level or two.</param>
/// <param name="Range">How the range of each row or group is chosen.</param>
/// <param name="Damping">λ: λ · mean(diag H) is added to the diagonal.</param>
/// <param name="ActOrder">Columns in order of falling diag H, so that what matters most is rounded while most can still make up for it.</param>
/// <param name="DampingOf">What λ is a part of, if not of the mean.</param>
/// <param name="StaticGroups">Groups are fitted on the original weights, not on those updated when the group begins.</param>
public sealed record Gptq(GridFormat Grid, GridRange Range = GridRange.MinMax, double Damping = 0.01, bool ActOrder = false, bool StaticGroups = false,
    DampingOf DampingOf = DampingOf.Mean) : Method
{
    /// <summary>Tokens of norm 1: GPTQ spends its freedom where the Gram matrix is largest, and a plain one belongs to a few sinks.</summary>
    [JsonIgnore] public override TokenWeights PreferredWeights => TokenWeights.Unit;

    public override void Validate()
    {
        RangeChoice.Validate(Grid, Range);
        if (!(Damping >= 0 && double.IsFinite(Damping))) throw new ArgumentException($"Damping is a number from 0 on, not {Damping}.");
        if (ActOrder && Grid.GroupSize != 0 && !StaticGroups && !Range.NeedsGram())
            throw new ArgumentException("Act-order with groups needs static groups: otherwise the order of the columns would have to be stored.");
    }

    public override long PlannedBits(LayerShape layer) => Grid.BitsOf(layer.Rows, layer.Columns);

    public override Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers) =>
        GridBudget.Nearest(Grid, bitsPerWeight, layers) is { } grid ? this with { Grid = grid } : null;

    public override Linear Compress(LayerProblem problem)
    {
        Validate();
        var dead = DampedGram.DeadColumns(problem);
        int[]? order = ActOrder ? Order(problem.Inputs.Gram) : null;
        var feedback = DampedGram.Factor(problem, Damping, dead, h => FeedbackFactor.Of(h, order), DampingOf);
        var codes = new GridCodes(Grid, Range, problem.Rows, problem.Columns) { Given = RangeChoice.Grids(problem, Grid, Range, dead) };
        new FeedbackRounding(feedback, order, StaticGroups, dead).Round(problem.Weight, codes, problem.Weight);
        return codes.ToLinear();
    }

    // The factor, in the worst case first in float, then in double, then in float again; codes; the loss's decoded weight and error.
    internal override long WorkBytes(int rows, int columns) =>
        16L * columns * columns + 16L * rows * columns + RangeChoice.WorkBytes(Range, rows, columns);

    private static int[] Order(Matrix<double> h) => [.. Enumerable.Range(0, h.Rows).OrderByDescending(j => h[j, j])];
}
