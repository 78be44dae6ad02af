using System.CommandLine;
using System.CommandLine.Parsing;
using Quarank.Cli.Console;
using Quarank.Compression.Learning;
using Quarank.Compression.Learning.Tuning;
using Quarank.Layers;
using Quarank.Pipeline;

namespace Quarank.Cli.Commands;

/// <summary>The flags of tuning: what the numbers beside the codes become once a block is compressed.</summary>
internal sealed class TuningOptions
{
    private readonly Option<int?> _tune = Inputs.Whole("--tune", "STEPS", "Beside any method: tune scales, levels, factors and norms of each block on what it gives, with the codes as they are; 100 steps are a good beginning (none).", 0);
    private readonly Option<double?> _scaleRate = Inputs.Number("--scale-rate", "X", "--tune: the first step of scales, levels and norms, in parts of each (0.003).", 1e-9, 1);
    private readonly Option<double?> _factorRate = Inputs.Number("--factor-rate", "X", "--tune: the first step of entries of low-rank factors, in parts of their root mean square (0.002).", 1e-9, 1);
    private readonly Option<ScaledSides?> _factors = Inputs.Choice("--tune-factors", "--tune: add a factor of 16 bits for each input of a layer, each output, or both.",
        ("inputs", ScaledSides.Inputs), ("outputs", ScaledSides.Outputs), ("both", ScaledSides.Both));
    private readonly Option<bool> _rest = Inputs.Flag("--tune-rest", "--tune: behind each site also tune the weights that are not rounded yet, so that they make up for those that are (with --order site).");

    public Option[] All => [_tune, _scaleRate, _factorRate, _factors, _rest];

    public bool IsGiven(CommandResult given) => given.GetValue(_tune) is not null;

    /// <summary>Refuses what belongs to tuning where there is none.</summary>
    public void Validate(CommandResult given)
    {
        if (IsGiven(given)) return;
        foreach (var option in All.Where(o => given.GetResult(o) is { Implicit: false })) given.AddError($"{option.Name} is for --tune STEPS.");
    }

    /// <summary>The recipe with what the flags say; as it is without them.</summary>
    public Recipe Apply(CommandResult given, Recipe recipe, LearningOptions learning)
    {
        if (given.GetValue(_tune) is not { } steps) return recipe;
        var settings = new TuningSettings(learning.Settings(given, new LearningSettings(steps) { LossWeights = LossWeights.Unit }) with { Rate = given.GetValue(_scaleRate) });
        return recipe with
        {
            Tune = settings with { FactorRate = given.GetValue(_factorRate) ?? settings.FactorRate, Factors = given.GetValue(_factors), Rest = given.GetValue(_rest) },
        };
    }
}
