using System.CommandLine;
using System.CommandLine.Parsing;
using Quarank.Checkpoints;
using Quarank.Cli.Console;
using Quarank.Models;
using Quarank.Studies.Allocation;

namespace Quarank.Cli.Commands;

/// <summary><c>quarank allocate MODEL --choices … --out recipe.json</c>: a recipe in which each layer has the choice that suits
/// it.</summary>
internal sealed class AllocateCommand : TaughtCommand
{
    private readonly Argument<string> _model = new("MODEL") { Description = "The folder of the model; it is left as it is." };
    private readonly Option<string> _out = new("--out")
    {
        HelpName = "FILE",
        Description = "The recipe to write; beside it, ending in .allocation.json, how it was found.",
        Required = true,
    };

    private readonly Option<double?> _bits = Inputs.Number("--bits-per-weight", "X", "The budget: every stored byte of all compressed layers.", 0.01, 32);
    private readonly ChoiceOptions _choices = new();
    private readonly CalibrationOptions _calibration = new();
    private readonly Option<string?> _recipe = Inputs.Text("--recipe", "FILE", "A JSON file with choices, budget and calibration; flags overrule it.");
    private readonly Option<string?> _statistics = Inputs.Text("--statistics", "FOLDER", "Gram matrices of the original that are kept, or are to be kept, there.");
    private readonly Option<string?> _workDir = Inputs.Text("--work-dir", "FOLDER",
        "Where compressed layers and measurements are kept, for going on and for other budgets (FILE.work).");
    private readonly Option<bool> _json = Inputs.Flag("--json", "Print how it was found as JSON.");

    public AllocateCommand(Terminal terminal)
        : base("allocate", "Gives each layer the method that suits it, under one budget of bytes, and writes that as a recipe.",
        ("two bits here, four there, three on average",
            "quarank allocate samples/tales --choices recipes/lordq-2bit.json,recipes/gptq-w3g64.json,recipes/gptq-w4g128.json --bits-per-weight 3 "
            + "--calibration samples/calibration.jsonl --samples 96 --length 256 --out runs/tales-mixed3.json"),
        ("then compress by it", "quarank compress samples/tales runs/tales-mixed3 --recipe runs/tales-mixed3.json"))
    {
        Add(_model);
        AddGroup("Allocation", [_bits, .. _choices.All, _recipe, _out]);
        AddGroup("Calibration", _calibration.All);
        AddGroup("The run", _statistics, _workDir, ComputeOptions.Threads, _json);
        AddCheck(given =>
        {
            bool hasRecipe = given.GetValue(_recipe) is not null;
            _calibration.Validate(given, hasRecipe);
            if (hasRecipe == _choices.Given(given)) given.AddError("Give either --choices or a --recipe that has them.");
            if (!hasRecipe && given.GetValue(_bits) is null) given.AddError("Option '--bits-per-weight' is required: the budget.");
        });
        SetAction(parsed => Run(terminal, parsed));
    }

    private int Run(Terminal terminal, ParseResult parsed)
    {
        ComputeOptions.Apply(parsed);
        var given = parsed.CommandResult;
        string model = parsed.GetRequiredValue(_model), output = parsed.GetRequiredValue(_out);
        var (asked, names) = _choices.Build(given, parsed.GetValue(_recipe), parsed.GetValue(_bits));
        asked = ChoiceOptions.Calibrated(asked, _calibration, given, ContextLength(model), parsed.GetValue(_recipe) is not null);
        var found = AllocationView.Follow(terminal, model, asked, new AllocationOptions(parsed.GetValue(_workDir) ?? output + ".work")
        {
            Statistics = parsed.GetValue(_statistics),
            Names = names,
        });
        if (Path.GetDirectoryName(Path.GetFullPath(output)) is { } folder) Directory.CreateDirectory(folder);
        File.WriteAllText(output, found.Recipe.ToJson());
        File.WriteAllText(Path.ChangeExtension(output, ".allocation.json"), found.ToJson());
        if (parsed.GetValue(_json)) terminal.Out.WriteLine(found.ToJson());
        else AllocationView.Write(terminal, found);
        return Application.Success;
    }

    internal static int ContextLength(string model)
    {
        using var checkpoint = Checkpoint.Open(model);
        return ModelSpec.Of(checkpoint).ContextLength;
    }
}
