using System.CommandLine;
using System.CommandLine.Parsing;
using Quarank.Checkpoints;
using Quarank.Cli.Console;
using Quarank.Models;
using Quarank.Pipeline;
using Quarank.Studies;
using Quarank.Studies.Allocation;

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
    private readonly ChoiceOptions _choices = new();
    private readonly CalibrationOptions _calibration = new();
    private readonly TableOptions _tables = new();

    private readonly Option<string?> _recipe = Inputs.Text(
        "--recipe", "FILE", "A JSON file that says method and calibration; calibration flags overrule it.");
    private readonly Option<string?> _workDir = Inputs.Text(
        "--work-dir", "FOLDER", "Where finished blocks wait for the others (OUT.run).");
    private readonly Option<bool> _restart = Inputs.Flag(
        "--restart", "Throw away an unfinished run of another command instead of refusing it.");
    private readonly Option<string?> _statistics = Inputs.Text("--statistics", "FOLDER",
        "Keep the calibration's Gram matrices there, or use those kept; only with --propagate original.");

    private readonly Option<long?> _maxRam = Inputs.Size("--max-ram",
        "Keep the process's memory below this (6GB, 800MB): smaller steps, the same result; refused where the smallest are too large.");
    private readonly Option<int?> _stopAfter = Inputs.Whole("--stop-after", "N",
        "Stop when N blocks are finished, to see times and errors; the same command without it goes on behind them.", 1);

    private readonly Option<TimeSpan?> _timeBudget = Inputs.Time("--time-budget",
        "For methods that learn, and tuning: end in about this time (90s, 30m, 2h), by as many sequences (at most --samples) and steps as it allows; the report says how many.");

    private readonly Option<bool> _noFallback = Inputs.Flag(
        "--no-fallback", "Keep layers that come out worse than plain rounding of no more bytes, instead of rounding them plainly; the report names them.");

    private readonly Option<bool> _dryRun = Inputs.Flag(
        "--dry-run", "Only say what would be done: sizes, memory, the recipe with every default.");
    private readonly Option<bool> _verbose = Inputs.Flag("--verbose", "A line for every layer as it is finished.");
    private readonly Option<bool> _json = Inputs.Flag("--json", "Print the report (or the plan) as JSON.");

    public CompressCommand(Terminal terminal)
        : base("compress", "Makes a model smaller. Killed at any moment, the same command goes on where it was. A size without a method takes the best recipe known for that size.",
        ("2.5 bits per weight by the best recipe known for it; it says which and why",
            "quarank compress samples/tales runs/tales-2.5 --bits-per-weight 2.5 --calibration samples/calibration.jsonl --samples 96 --length 256"),
        ("LoRDQ at 2 bits per weight",
            "quarank compress samples/tales runs/tales-lordq2 --method lordq --bits-per-weight 2 --calibration samples/calibration.jsonl --samples 96 --length 256"),
        ("GPTQ at 3 bits in groups of 64, with the best ranges",
            "quarank compress samples/tales runs/tales-gptq3 --method gptq --bits 3 --group-size 64 --clip --calibration samples/calibration.jsonl --samples 96 --length 256"),
        ("in each layer what suits it, three bits on average",
            "quarank compress samples/tales runs/tales-mixed3 --choices recipes/lordq-2bit.json,recipes/gptq-w3g64.json,recipes/gptq-w4g128.json --bits-per-weight 3 --calibration samples/calibration.jsonl --samples 96 --length 256"),
        ("the same from a recipe; look at the plan first",
            "quarank compress samples/tales runs/tales-recipe --recipe recipes/gptq-w3g64.json --dry-run"))
    {
        Add(_model);
        Add(_out);
        foreach (var (title, options) in _method.Groups) AddGroup(title, options);
        AddGroup("A method for each layer", _choices.All);
        AddGroup("Embedding and head", _tables.All);
        AddGroup("Calibration", _calibration.All);
        AddGroup("The run", _recipe, _workDir, _restart, _statistics, _maxRam, _stopAfter, _timeBudget, _noFallback, ComputeOptions.Threads, _dryRun, _verbose, _json);
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
        if (given.GetValue(_timeBudget) is not null && given.GetValue(_method.Steps) is not null)
            given.AddError("--time-budget chooses the steps; leave out --steps, or the budget.");
        if (_choices.Given(given))
        {
            if (hasRecipe) given.AddError("Give either --choices or a --recipe that has them.");
            foreach (var option in _method.Given(given).Where(o => o != _method.BitsPerWeight))
                given.AddError($"The choices say the methods; leave out {option.Name}, or --choices.");
            if (given.GetValue(_method.BitsPerWeight) is null) given.AddError("--choices needs --bits-per-weight: the budget.");
            return;
        }
        if (given.GetValue(_recipe) is not { } file || !File.Exists(file) || !AllocationRecipe.IsIn(file)) _choices.RefuseOthers(given);
        if (ByPreset(given)) return;
        if (!hasRecipe) _method.Validate(given);
        else
            foreach (var option in _method.Given(given)) given
                .AddError($"The recipe says the method; leave out {option.Name}, or --recipe.");
    }

    private int Run(Terminal terminal, ParseResult parsed)
    {
        ComputeOptions.Apply(parsed);
        string model = parsed.GetRequiredValue(_model), output = parsed.GetRequiredValue(_out);
        string? file = parsed.GetValue(_recipe);
        bool allocates = _choices.Given(parsed.CommandResult) || (file is not null && AllocationRecipe.IsIn(file));
        string? choice = null;
        var (recipe, plan) = allocates ? Allocate(terminal, parsed, model, output) : Prepare(parsed, model, out choice);
        if (choice is not null) terminal.Error.WriteLine(choice);
        if (parsed.GetValue(_dryRun)) return CompressionView.WritePlan(terminal, recipe, plan, parsed.GetValue(_json));

        if (parsed.GetValue(_timeBudget) is not null && !recipe.Learns)
            throw new InvalidDataException("--time-budget is for methods that learn (flexround, lrq, omniquant) and for --tune: nothing else takes longer the more time it has.");
        var options = new RunOptions
        {
            TimeBudget = parsed.GetValue(_timeBudget),
            WorkFolder = parsed.GetValue(_workDir),
            Restart = parsed.GetValue(_restart),
            Statistics = parsed.GetValue(_statistics),
            MaxMemory = parsed.GetValue(_maxRam),
            StopAfter = parsed.GetValue(_stopAfter),
            Choice = choice,
        };
        if (parsed.GetValue(_maxRam) is { } most) ComputeOptions.LimitHeap(most);
        terminal.Error.WriteLine(CompressionView.Memory(plan));
        foreach (string warning in plan.Warnings) terminal.Error.WriteLine($"warning: {warning}");
        var report = CompressionView.Follow(terminal, parsed.GetValue(_verbose),
            progress => CompressionRun.Execute(model, output, recipe, options, progress, terminal.Stop));
        if (allocates && Directory.Exists(AllocationFolder(output))) Directory.Delete(AllocationFolder(output), recursive: true);
        if (parsed.GetValue(_json)) terminal.Out.WriteLine(report.ToJson());
        else CompressionView.Write(terminal, report, output);
        return Application.Success;
    }

    /// <summary>Whether a size was given and nothing that says how to come to it.</summary>
    private bool ByPreset(CommandResult given) => given.GetValue(_recipe) is null && !_choices.Given(given) && _method.IsSizeAlone(given);

    private (Recipe Recipe, Plan Plan) Prepare(ParseResult parsed, string model, out string? choice)
    {
        var given = parsed.CommandResult;
        string? file = parsed.GetValue(_recipe);
        using var checkpoint = Checkpoint.Open(model);
        var spec = ModelSpec.Of(checkpoint);
        choice = null;
        var recipe = file is not null ? Recipe.Load(file)
            : ByPreset(given) ? Presets.Bring(given.GetValue(_method.BitsPerWeight)!.Value, checkpoint, spec, out choice)
            : _method.Tuned(given, new Recipe(_method.Build(given), new CalibrationSettings([])));
        recipe = _tables.Apply(given, _calibration.Apply(given, recipe, spec.ContextLength, hasRecipe: file is not null));
        if (parsed.GetValue(_noFallback)) recipe = recipe with { Fallback = false };
        return (recipe, Plan.Of(checkpoint, spec, recipe, parsed.GetValue(_maxRam)));
    }

    /// <summary>A recipe that leaves methods open becomes one that does not; the dry run only says what is open.</summary>
    private (Recipe Recipe, Plan Plan) Allocate(Terminal terminal, ParseResult parsed, string model, string output)
    {
        var given = parsed.CommandResult;
        string? file = parsed.GetValue(_recipe);
        var (asked, names) = _choices.Build(given, file, given.GetValue(_method.BitsPerWeight));
        using var checkpoint = Checkpoint.Open(model);
        var spec = ModelSpec.Of(checkpoint);
        asked = ChoiceOptions.Calibrated(asked, _calibration, given, spec.ContextLength, file is not null);
        // Also what is wrong with the choices or the tables is found before anything is measured.
        var open = _tables.Apply(given, AllocationPlan.OfUniform(checkpoint, spec, asked).Recipe);
        var plan = Plan.Of(checkpoint, spec, open);
        if (parsed.GetValue(_dryRun))
        {
            terminal.Error.WriteLine("what each layer takes is decided by measuring; planned is the largest choice within the budget for all layers");
            return (open, plan);
        }
        CheckpointWriter.RefuseExisting(output);
        var found = AllocationView.Follow(terminal, model, asked, new AllocationOptions(AllocationFolder(output))
        {
            Statistics = parsed.GetValue(_statistics),
            Names = names,
        });
        File.WriteAllText(Path.TrimEndingDirectorySeparator(output) + ".allocation.json", found.ToJson());
        terminal.Error.WriteLine(AllocationView.Verdict(found));
        var recipe = _tables.Apply(given, found.Recipe);
        return (recipe, Plan.Of(checkpoint, spec, recipe, parsed.GetValue(_maxRam)));
    }

    private static string AllocationFolder(string output) => Path.TrimEndingDirectorySeparator(output) + ".allocation";
}
