using System.Text.Json.Serialization;
using Quarank.Compression.Learning;
using Quarank.Compression.Rounding;
using Quarank.Layers;

namespace Quarank.Compression.Methods;

/// <summary>What OmniQuant learns.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<OmniQuantParts>))]
public enum OmniQuantParts
{
    /// <summary>Ranges and channels.</summary>
    [JsonStringEnumMemberName("both")] Both,

    /// <summary>Learned weight clipping: the ends of each range.</summary>
    [JsonStringEnumMemberName("ranges")] Ranges,

    /// <summary>The learned equivalent transformation: factors of channels between a norm and the layers behind it, and between values and the output projection.</summary>
    [JsonStringEnumMemberName("channels")] Channels,
}

/// <summary>
/// OmniQuant (Shao et al. 2023, arXiv:2308.13137). Learned weight clipping: the ends of each row's (or group's) range are σ(β) · min and
/// σ(γ) · max, β and γ learned on what the block gives; weights are rounded to the nearest code. Learned equivalent transformation: factors of
/// channels, learned with them, that cost nothing once they are folded (<see cref="EquivalentScales"/>). Where there is a layer and no block, clipping alone is learned.
/// </summary>
/// <param name="Grid">Bits and groups; zero-points as the grid says.</param>
/// <param name="Range">Where the ends begin; with minMax at 0.982 of the whole range, as in the paper, which takes more steps than a few hundred to come down from there.</param>
/// <param name="Learn">Ranges, channels or both.</param>
/// <param name="Alpha">Where factors begin: SmoothQuant's max |x|^α / max |w|^(1 − α), or 1 where the block then errs less.</param>
public sealed record OmniQuant(GridFormat Grid, GridRange Range = GridRange.Clip, OmniQuantParts Learn = OmniQuantParts.Both, double Alpha = 0.5) : BlockMethod
{
    /// <summary>For a few hundred steps (docs/results.md); the paper takes some thousand of 0.01.</summary>
    [JsonIgnore] public override double DefaultRate => 0.03;

    /// <summary>The rate of the factors' logarithms, in parts of the rate: the paper's 0.005 of 0.01.</summary>
    internal const double ChannelRate = 0.5;

    [JsonIgnore] public bool LearnsChannels => Learn != OmniQuantParts.Ranges;

    public override void Validate()
    {
        RangeChoice.ValidateInteger(Grid, Range);
        Learning.Validate();
        if (!(Alpha is >= 0 and <= 1)) throw new ArgumentException($"α is from 0 to 1, not {Alpha}.");
    }

    public override long PlannedBits(LayerShape layer) => Grid.BitsOf(layer.Rows, layer.Columns);

    public override Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers) =>
        GridBudget.Nearest(Grid, bitsPerWeight, layers) is { } grid ? this with { Grid = grid } : null;

    /// <summary>Without factors, which belong to no single layer.</summary>
    public override long LearnedNumbers(int rows, int columns) =>
        Learn == OmniQuantParts.Channels ? 0 : (Grid.Offset == GridOffset.None ? 1 : 2) * Grid.ScaleCount(rows, columns);

    internal override FollowingLayer Begin(LayerProblem problem) => new ClippedGrid(StartingPoint.Of(problem, Grid, Range, Start), Grid,
        fitted: Range != GridRange.MinMax || Start != LearningStart.Nearest || Learn == OmniQuantParts.Channels, clips: Learn != OmniQuantParts.Channels);

    // The weight with its factors and without, beside what every learned layer takes.
    internal override long WorkBytes(int rows, int columns) => base.WorkBytes(rows, columns) + (LearnsChannels ? 8L * rows * columns : 0);
}
