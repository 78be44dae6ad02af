using System.CommandLine;
using System.CommandLine.Parsing;
using Quarank.Cli.Console;
using Quarank.Pipeline;
using Quarank.Studies.Allocation;

namespace Quarank.Cli.Commands;

/// <summary>The flags that leave the method of each layer open: choices, and how they are weighed.</summary>
internal sealed class ChoiceOptions
{
    private readonly Option<string?> _choices = Inputs.Text("--choices", "FILES",
        "Recipes (or methods alone), with commas between them, of which each layer gets one; --bits-per-weight is the budget.");
    private readonly Option<LossMeasure?> _sensitivity = Inputs.Choice("--sensitivity",
        "Weigh choices by what they do to the model's predictions when only one layer changes, or by the layer's own error (kl).",
        ("kl", LossMeasure.Kl), ("loss", LossMeasure.Loss));
    private readonly Option<AllocationRule?> _rule = Inputs.Choice("--rule",
        "Make the sum over all layers least, or the worst layer as good as can be, as ASVD does (sum).", ("sum", AllocationRule.Sum), ("worst", AllocationRule.Worst));
    private readonly Option<int?> _probes = Inputs.Whole("--probes", "N", "kl: calibration sequences to measure predictions on (4).", 1);
    private readonly Option<int?> _probeLength = Inputs.Whole("--probe-length", "N", "kl: tokens of each (512).", 2);
    private readonly Option<bool> _probeAll = Inputs.Flag("--probe-all",
        "kl: measure every choice in every layer, instead of one by every kind of method.");

    public Option[] All => [_choices, _sensitivity, _rule, _probes, _probeLength, _probeAll];

    public bool Given(SymbolResult given) => given.GetResult(_choices) is not null;

    /// <summary>Refuses flags that do nothing without choices.</summary>
    public void RefuseOthers(CommandResult given)
    {
        foreach (var option in All.Where(o => given.GetResult(o) is { Implicit: false }))
            given.AddError($"{option.Name} weighs choices against one another; give --choices, or a --recipe that has them.");
    }

    /// <summary>From the files named, or as <paramref name="recipe"/> says; flags overrule it.</summary>
    public (AllocationRecipe Recipe, IReadOnlyList<string>? Names) Build(CommandResult given, string? recipe, double? bitsPerWeight)
    {
        var (asked, names) = recipe is not null ? (AllocationRecipe.Load(recipe), null) : FromFiles(given.GetValue(_choices)!, bitsPerWeight);
        return (asked with
        {
            BitsPerWeight = bitsPerWeight ?? asked.BitsPerWeight,
            Sensitivity = given.GetValue(_sensitivity) ?? asked.Sensitivity,
            Rule = given.GetValue(_rule) ?? asked.Rule,
            Probes = asked.Probes with
            {
                Samples = given.GetValue(_probes) ?? asked.Probes.Samples,
                Length = given.GetValue(_probeLength) ?? asked.Probes.Length,
                Measure = given.GetValue(_probeAll) ? ProbeRule.All : asked.Probes.Measure,
            },
        }, names);
    }

    /// <summary>The recipe calibrated as the flags of calibration say.</summary>
    public static AllocationRecipe Calibrated(
        AllocationRecipe asked, CalibrationOptions calibration, CommandResult given, int contextLength, bool hasRecipe)
    {
        var applied = calibration.Apply(given, asked.With(asked.Choices[0]), contextLength, hasRecipe);
        return asked with
        {
            Calibration = applied.Calibration,
            Propagate = applied.Propagate,
            Order = applied.Order,
            Seed = applied.Seed,
        };
    }

    private static (AllocationRecipe, IReadOnlyList<string>) FromFiles(string files, double? bitsPerWeight)
    {
        string[] paths = files.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (paths.Length == 0) throw new InvalidDataException("--choices names no file.");
        return (new([.. paths.Select(AllocationRecipe.LoadChoice)], bitsPerWeight ?? 2, new CalibrationSettings([])),
            [.. paths.Select(p => Path.GetFileNameWithoutExtension(p))]);
    }
}
