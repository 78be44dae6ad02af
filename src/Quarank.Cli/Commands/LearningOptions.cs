using System.CommandLine;
using System.CommandLine.Parsing;
using Quarank.Cli.Console;
using Quarank.Compression;
using Quarank.Compression.Learning;

namespace Quarank.Cli.Commands;

/// <summary>The flags of methods that learn: how long, in what steps.</summary>
internal sealed class LearningOptions
{
    private readonly Option<int?> _steps = Inputs.Whole("--steps", "N", "Steps of learning for each block; the papers take 5,000 (200).", 0);
    private readonly Option<int?> _batch = Inputs.Whole("--batch", "N", "Calibration sequences in a step (2).", 1);
    private readonly Option<double?> _rate = Inputs.Number("--learning-rate", "X", "Size of the first step; it falls along a cosine to nothing (0.01; omniquant: 0.03).", 1e-9, 1);
    private readonly Option<int?> _heldOut = Inputs.Whole("--held-out", "N", "Calibration sequences that are measured on and not learned from (every eighth).", 0);

    private readonly Option<LossWeights?> _lossWeights = Inputs.Choice("--loss-weights", "Tokens count as they are, or at norm 1, so that attention sinks do not have most of the error (none; with --tune unit).",
        ("none", LossWeights.None), ("unit", LossWeights.Unit));

    private readonly Option<LearningStart?> _start = Inputs.Choice("--learn-from", "Weights that learning begins with: the layer's own, as rounding to the nearest sees them, or as GPTQ's feedback has moved them (rtn).",
        ("rtn", LearningStart.Nearest), ("gptq", LearningStart.Gptq));

    public Option[] All => [_steps, _batch, _rate, _heldOut, _lossWeights, _start];

    /// <summary>Those that tuning takes too.</summary>
    public Option[] OfTuning => [_batch, _heldOut, _lossWeights];

    /// <summary>How many steps each block takes, where a flag says it.</summary>
    public Option<int?> Steps => _steps;

    public BlockMethod Apply(CommandResult given, BlockMethod method) => method with
    {
        Start = given.GetValue(_start) ?? method.Start,
        Learning = Settings(given, method.Learning),
    };

    /// <summary>What the flags say, the rest as <paramref name="standard"/> has it.</summary>
    public LearningSettings Settings(CommandResult given, LearningSettings standard) => new(
        given.GetValue(_steps) ?? standard.Steps, given.GetValue(_batch) ?? standard.Batch, given.GetValue(_rate), given.GetValue(_heldOut))
    {
        LossWeights = given.GetValue(_lossWeights) ?? standard.LossWeights,
    };
}
