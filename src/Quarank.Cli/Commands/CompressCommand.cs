using System.CommandLine;
using System.CommandLine.Parsing;
using Quarank.Checkpoints;
using Quarank.Cli.Console;
using Quarank.Models;
using Quarank.Pipeline;

namespace Quarank.Cli.Commands;

/// <summary><c>quarank compress MODEL OUT</c>: a smaller model, block by block, from a method or a recipe and some
/// text.</summary>
internal sealed class CompressCommand : TaughtCommand
{
    private readonly Argument<string> _model = new(
        "MODEL")
    { Description = "The folder of the model to compress; it is left as it is." };
    private readonly Argument<string> _out = new(
        "OUT")
    { Description = "The folder to write; it appears when all is done, with a report beside the weights." };
    private readonly MethodOptions _method = new();
    private readonly CalibrationOptions _calibration = new();

    private readonly Option<string?> _recipe = Inputs.Text(
        "--recipe", "FILE", "A JSON file that says method and calibration; calibration flags overrule it.");
    private readonly Option<string?> _workDir = Inputs.Text(
        "--work-dir", "FOLDER", "Where finished blocks wait for the others (OUT.run).");
    private readonly Option<bool> _restart = Inputs.Flag(
        "--restart", "Throw away an unfinished run of another command instead of refusing it.");
    private readonly Option<string?> _statistics = Inputs.Text("--statistics", "FOLDER",
        "Keep the calibration's Gram matrices there, or use those kept; only with --propagate original.");

    private readonly Option<bool> _dryRun = Inputs.Flag(
        "--dry-run", "Only say what would be done: sizes, memory, the recipe with every default.");
    private readonly Option<bool> _verbose = Inputs.Flag("--verbose", "A line for every layer as it is finished.");
    private readonly Option<bool> _json = Inputs.Flag("--json", "Print the report (or the plan) as JSON.");

    public CompressCommand(Terminal terminal)
        : base("compress", "Makes a model smaller. Killed at any moment, the same command goes on where it was.",
        ("LoRDQ at 2 bits per weight",
            "quarank compress samples/tales runs/tales-lordq2 --method lordq --bits-per-weight 2 --calibration samples/calibration.jsonl --samples 96 --length 256"),
        ("GPTQ at 3 bits in groups of 64, with the best ranges",
            "quarank compress samples/tales runs/tales-gptq3 --method gptq --bits 3 --group-size 64 --clip --calibration samples/calibration.jsonl --samples 96 --length 256"),
        ("the same from a recipe; look at the plan first",
            "quarank compress samples/tales runs/tales-recipe --recipe recipes/gptq-w3g64.json --dry-run"))
    {
        Add(_model);
        Add(_out);
        foreach (var (title, options) in _method.Groups) AddGroup(title, options);
        AddGroup("Calibration", _calibration.All);
        AddGroup("The run", _recipe, _workDir, _restart, _statistics, ComputeOptions.Threads, _dryRun, _verbose, _json);
        AddCheck(Validate);
        SetAction(parsed => Run(terminal, parsed));
    }

    private void Validate(CommandResult given)
    {
        bool hasRecipe = given.GetValue(_recipe) is not null;
        _calibration.Validate(given, hasRecipe);
        if (given.GetValue(_statistics) is not null && !hasRecipe && !_calibration.KeepsOriginal(given))
            given.AddError(
                "--statistics needs --propagate original: otherwise the Gram matrices depend on what earlier blocks became.");
        if (!hasRecipe) _method.Validate(given);
        else
            foreach (var option in _method.Given(given)) given
                .AddError($"The recipe says the method; leave out {option.Name}, or --recipe.");
    }

    private int Run(Terminal terminal, ParseResult parsed)
    {
        ComputeOptions.Apply(parsed);
        string model = parsed.GetRequiredValue(_model), output = parsed.GetRequiredValue(_out);
        var (recipe, plan) = Prepare(parsed, model);
        if (parsed.GetValue(_dryRun)) return CompressionView.WritePlan(terminal, recipe, plan, parsed.GetValue(_json));

        var options = new RunOptions
        {
            WorkFolder = parsed.GetValue(_workDir),
            Restart = parsed.GetValue(_restart),
            Statistics = parsed.GetValue(_statistics),
        };
        foreach (string warning in plan.Warnings) terminal.Error.WriteLine($"warning: {warning}");
        var report = CompressionView.Follow(terminal, parsed.GetValue(_verbose),
            progress => CompressionRun.Execute(model, output, recipe, options, progress, terminal.Stop));
        if (parsed.GetValue(_json)) terminal.Out.WriteLine(report.ToJson());
        else CompressionView.Write(terminal, report, output);
        return Application.Success;
    }

    private (Recipe Recipe, Plan Plan) Prepare(ParseResult parsed, string model)
    {
        var given = parsed.CommandResult;
        string? file = parsed.GetValue(_recipe);
        var recipe = file is not null ? Recipe.Load(file) : new Recipe(_method.Build(given), new CalibrationSettings([]));
        using var checkpoint = Checkpoint.Open(model);
        var spec = ModelSpec.Read(checkpoint.Config);
        recipe = _calibration.Apply(given, recipe, spec.ContextLength, hasRecipe: file is not null);
        return (recipe, Plan.Of(checkpoint, spec, recipe));
    }
}
