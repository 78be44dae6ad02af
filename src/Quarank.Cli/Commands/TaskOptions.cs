using System.CommandLine;
using System.CommandLine.Parsing;
using Quarank.Cli.Console;
using Quarank.Evaluation.Tasks;

namespace Quarank.Cli.Commands;

/// <summary>The flags that say which tasks a model is asked, and how.</summary>
internal sealed class TaskOptions
{
    private readonly Option<string?> _tasks = Inputs.Text("--tasks", "A,B,...", $"Names between commas: {string.Join(", ", TaskTable.Names)}.");
    private readonly Option<string?> _data = Inputs.Text(
        "--data", "FOLDER", "Where the data sets lie, as on Hugging Face: piqa/validation.jsonl, .json, .gz, .parquet (data); docs/tasks.md has every name.");

    private readonly Option<int?> _limit = Inputs.Whole("--limit", "N", "Only the first documents of each task (all).", 1);
    private readonly Option<int?> _fewShot = Inputs.Whole("--few-shot", "K", "Solved examples before each question (0).", 0, 100);
    private readonly Option<string?> _fewShotSplit = Inputs.Text(
        "--few-shot-split", "SPLIT", "Take examples from this split; a question is never its own example (the task's: mostly train).");

    private readonly Option<int?> _fewShotSeed = Inputs.Whole("--few-shot-seed", "N", "Where the drawing of examples starts (1234, as the harness).", 0);
    private readonly Option<bool> _samples = Inputs.Flag("--samples", "In the JSON also every document with its log-likelihoods.");

    public Option[] All => [_tasks, _data, _limit, _fewShot, _fewShotSplit, _fewShotSeed, _samples];

    /// <summary>Those that decide figures.</summary>
    public Option[] ForFigures => [_tasks, _limit, _data, _fewShot, _fewShotSplit, _fewShotSeed];

    public bool AreGiven(CommandResult given) => given.GetValue(_tasks) is not null;

    public bool WithSamples(ParseResult parsed) => parsed.GetValue(_samples);

    public void Check(CommandResult given, bool json)
    {
        if (AreGiven(given))
        {
            if (given.GetValue(_samples) && !json) given.AddError("--samples are a part of the JSON; add --json or --output FILE.");
            return;
        }
        foreach (var option in All.Where(o => given.GetResult(o) is { Implicit: false })) given.AddError($"{option.Name} belongs to --tasks.");
    }

    /// <summary>Reads the data of the tasks.</summary>
    public IReadOnlyList<PreparedTask> Prepare(ParseResult parsed)
    {
        string[] names = parsed.GetRequiredValue(_tasks)!.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (names.Length == 0) throw new NotSupportedException($"--tasks names none; known are {string.Join(", ", TaskTable.Names)}.");
        return PreparedTask.Read(TaskTable.Find(names), new(
            parsed.GetValue(_data) ?? "data", parsed.GetValue(_limit), parsed.GetValue(_fewShot) ?? 0, parsed.GetValue(_fewShotSplit),
            parsed.GetValue(_fewShotSeed) ?? 1234));
    }
}
