using System.CommandLine;
using System.CommandLine.Parsing;
using Quarank.Checkpoints;
using Quarank.Cli.Console;
using Quarank.Pipeline;
using Quarank.Studies.Speed;

namespace Quarank.Cli.Commands;

/// <summary><c>quarank bench MODEL…</c>: tokens per second, each figure beside the limit measured in the same moment.</summary>
internal sealed class BenchCommand : TaughtCommand
{
    private readonly Argument<string[]> _models = new("MODEL...")
    {
        Description = "Model folders, compressed or not; several are measured by turns and compared with the first.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<int[]?> _prompt = Inputs.Wholes("--prompt", "Read prompts of so many tokens at once (128,512).", 1);
    private readonly Option<int[]?> _generate = Inputs.Wholes("--generate", "Generate so many tokens one by one (32,128).", 1);
    private readonly Option<int?> _repetitions = Inputs.Whole("--repetitions", "N", "Rounds, in each of which every test runs once (5).", 1, 1000);
    private readonly Option<bool> _breakdown = Inputs.Flag("--breakdown", "Also where the time of a generated token goes.");
    private readonly Option<string?> _text = Inputs.Text("--text", "FILE", "Also the perplexity of this text, by the protocol of `quarank evaluate`.");
    private readonly Option<int?> _segments = Inputs.Whole("--segments", "N", "Only the text's first segments (all).", 1);
    private readonly Option<int?> _length = Inputs.Whole("--length", "N", "Tokens in a segment (2048, or the model's context when that is shorter).", 2);
    private readonly InferenceOptions _inference = new(Models.InferenceSettings.Fast);
    private readonly SyntheticOptions _synthetic = new();
    private readonly Option<bool> _json = Inputs.Flag("--json", "Print JSON: the machine and its limits, and for each model its sizes and tests.");

    public BenchCommand(Terminal terminal) : base("bench",
        "Measures how fast models read prompts (pp) and generate (tg), and what share of the machine's limit, measured beside each figure, they reach.",
        ("how fast is this model?", "quarank bench samples/tales"),
        ("what does compression give? size, memory, perplexity and speed in one table",
            "quarank bench MODEL runs/model-4bit runs/model-lordq2 --text wiki.test.raw --segments 8"),
        ("only generation, and where the time of a token goes", "quarank bench MODEL --prompt none --generate 128 --breakdown"),
        ("forms of 1.1 billion random weights beside one another: no model needed",
            "quarank bench --synthetic --form grid:4:128,grid:8:128,grid:2:row,lordq:2,f16 --repetitions 3"),
        ("a model of another shape to try things on",
            "quarank bench --synthetic --form f16 --layers 32 --hidden 4096 --intermediate 11008 --kv-heads 32 --keep runs/random --write-only"))
    {
        Add(_models);
        AddGroup("Tests", _prompt, _generate, _repetitions, _breakdown);
        AddGroup("Numbers", _inference.All);
        AddGroup("Perplexity", _text, _segments, _length);
        AddGroup("Synthetic models", _synthetic.All);
        AddGroup("The run", ComputeOptions.Threads, _json);
        AddCheck(given =>
        {
            if (Array.Find(given.GetValue(_models) ?? [], m => m.StartsWith("--", StringComparison.Ordinal)) is { } unknown)
            {
                given.AddError($"Unrecognized command or argument '{unknown}'.");   // the parser takes it for a model
                return;
            }
            _synthetic.Validate(given, given.GetValue(_models)?.Length ?? 0);
            if (Lengths(given, _prompt, 128) is [] && Lengths(given, _generate, 128) is []) given.AddError("--prompt and --generate leave nothing to measure.");
            foreach (var option in new[] { _segments, _length })
                if (given.GetValue(option) is not null && given.GetValue(_text) is null) given.AddError($"{option.Name} belongs to --text.");
            if (given.GetValue(_text) is not null && given.GetValue(_models) is []) given.AddError("Random weights foretell no text; leave out --text.");
        });
        SetAction(parsed =>
        {
            ComputeOptions.Apply(parsed);
            if (_synthetic.AreGiven(parsed)) RunSynthetic(terminal, parsed);
            else Run(terminal, parsed, [.. Named(parsed.GetRequiredValue(_models))], reference: 0);
            return Application.Success;
        });
    }

    private void RunSynthetic(Terminal terminal, ParseResult parsed)
    {
        var models = _synthetic.Models(parsed);
        string? keep = _synthetic.Keep(parsed);
        string root = keep is null ? Directory.CreateTempSubdirectory("quarank-bench-").FullName : Directory.CreateDirectory(keep).FullName;
        try
        {
            List<(string Name, string Folder)> folders = [.. models.Select(m => (m.Form.Name, Path.Combine(root, m.Form.Name.Replace(':', '-'))))];
            using (var view = new ProgressView(terminal, "write"))
                for (int i = 0; i < models.Count; i++)
                {
                    view.Report((double)i / models.Count, folders[i].Name);
                    models[i].Write(folders[i].Folder, _synthetic.Tokenizer(parsed), terminal.Stop);
                    if (keep is not null) view.WriteLine($"wrote {folders[i].Folder}");
                }
            if (_synthetic.OnlyWrites(parsed)) return;
            int fourBit = models.ToList().FindIndex(m => m.Form.IsFourBitGrid);
            Run(terminal, parsed, folders, Math.Max(0, fourBit));
        }
        finally
        {
            if (keep is null) Directory.Delete(root, recursive: true);
        }
    }

    private void Run(Terminal terminal, ParseResult parsed, IReadOnlyList<(string Name, string Folder)> models, int reference)
    {
        var request = new SpeedRequest(
            Lengths(parsed.CommandResult, _prompt, 128, 512), Lengths(parsed.CommandResult, _generate, 32, 128), parsed.GetValue(_repetitions) ?? 5)
        { Settings = _inference.Of(parsed) };
        SpeedReport report;
        using (var view = new ProgressView(terminal, "bench"))
        {
            report = SpeedBench.Run(models, request, parsed.GetValue(_breakdown),
                new Immediate<SpeedProgress>(p => view.Report(p.Fraction, p.Detail)), terminal.Stop);
        }

        var perplexities = parsed.GetValue(_text) is { } text ? models.Select(m => Perplexity(terminal, m.Folder, text, parsed)).ToList() : null;
        var table = new BenchView(report, perplexities, reference);
        if (parsed.GetValue(_json)) Json.Write(terminal, table.ForScripts());
        else table.Write(terminal);
    }

    private static int[] Lengths(CommandResult given, Option<int[]?> option, params int[] otherwise) =>
        given.GetResult(option) is { Implicit: false } ? given.GetValue(option)! : otherwise;

    private Measured Perplexity(Terminal terminal, string folder, string text, ParseResult parsed)
    {
        using var checkpoint = Checkpoint.Open(folder);
        return Measured.Of(terminal, new(terminal, checkpoint), text, parsed.GetValue(_length), null, parsed.GetValue(_segments));
    }

    /// <summary>Folders by their last names, where these differ.</summary>
    private static IEnumerable<(string Name, string Folder)> Named(string[] folders)
    {
        var names = folders.Select(f => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(f)))).ToList();
        return folders.Select((f, i) => (names.Distinct().Count() == names.Count ? names[i] : f, f));
    }
}
