using System.CommandLine;
using System.CommandLine.Parsing;
using Quarank.Cli.Console;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Layers;

namespace Quarank.Cli.Commands;

/// <summary>The flags of rtn, gptq and awq that say how a grid is stored and fitted, and those of awq alone.</summary>
internal sealed class GridOptions
{
    private enum Rounding { Rtn, Gptq }

    private readonly Option<int?> _scaleBits = Inputs.Whole("--scale-bits", "N", "Scales of two levels: integers of N bits for the groups, under float16 numbers (off).", 2, 8);
    private readonly Option<int?> _superGroup = Inputs.Whole("--super-group", "N", "Columns under one of those numbers; 0 = a whole row (256).", 0);
    private readonly Option<Rounding?> _rounding = Inputs.Choice("--rounding", "awq: what rounds the scaled weights (rtn).", ("rtn", Rounding.Rtn), ("gptq", Rounding.Gptq));
    private readonly Option<ChannelActivity?> _activity = Inputs.Choice("--activity", "awq: what is taken for the size of an input, from the Gram matrix or over all tokens alike (rootMeanSquare).",
        ("rootMeanSquare", ChannelActivity.RootMeanSquare), ("meanMagnitude", ChannelActivity.MeanMagnitude));
    private readonly Option<bool> _keepFactors = Inputs.Flag("--keep-factors", "awq: store the factors with each layer, 16 bits an input, instead of folding them into the operation before.");

    /// <summary>How ranges are chosen.</summary>
    public Option<GridRange?> Range { get; } = Inputs.Choice("--range",
        "How a grid's range is chosen: the weights' ends, least error of the weights (--clip), least error of the group's outputs (awq's), learned on the layer's loss, or HQQ's offset with --minima (minMax; awq: output).",
        ("minMax", GridRange.MinMax), ("clip", GridRange.Clip), ("output", GridRange.Output), ("learned", GridRange.Learned), ("halfQuadratic", GridRange.HalfQuadratic));

    /// <summary>Numbers for offsets.</summary>
    public Option<bool> Minima { get; } = Inputs.Flag("--minima", "A number stored like the scale in the place of each zero-point.");

    public Option[] OfGrids => [Range, Minima, _scaleBits, _superGroup];

    public Option[] All => [.. OfGrids, _rounding, _activity, _keepFactors];

    public SuperScales? Super(CommandResult given)
    {
        var super = new SuperScales();
        var (bits, columns) = (given.GetValue(_scaleBits), given.GetValue(_superGroup));
        return bits is null && columns is null ? null : new(bits ?? super.Bits, columns ?? super.Columns);
    }

    public Awq Awq(CommandResult given, GridRange range, Func<GridRange, Method> nearest, Func<GridRange, Method> gptq)
    {
        // What ranges by output cannot have is clipped by the weights alone.
        range = given.GetValue(Range) ?? (Super(given) is null ? range : GridRange.Clip);
        return new((given.GetValue(_rounding) == Rounding.Gptq ? gptq : nearest)(range), !given.GetValue(_keepFactors),
            Activity: given.GetValue(_activity) ?? default);
    }
}
