using System.CommandLine;
using System.CommandLine.Parsing;
using Quarank.Checkpoints;
using Quarank.Cli.Console;

namespace Quarank.Cli.Commands;

/// <summary><c>quarank evaluate MODEL --text FILE --tasks A,B</c>: perplexity, and how many questions it answers right.</summary>
internal sealed class EvaluateCommand : TaughtCommand
{
    private readonly Argument<string> _model = new("MODEL") { Description = "A model folder, compressed or not." };
    private readonly Option<string?> _text = Inputs.Text(
        "--text", "FILE", "A UTF-8 text, or JSON Lines (field \"text\"; also .gz) whose texts are joined by an empty line.");

    private readonly Option<int?> _segments = Inputs.Whole("--segments", "N", "Only the first segments (all).", 1);
    private readonly Option<int?> _length = Inputs.Whole(
        "--length", "N", "Tokens in a segment (2048, or the model's context when that is shorter).", 2);
    private readonly Option<int?> _stride = Inputs.Whole("--stride", "N",
        "A sliding window that moves by so many tokens and foretells only those; without it, segments that do not overlap, as the GPTQ paper measures.", 1);

    private readonly Option<string?> _against = Inputs.Text("--against", "DENSE",
        "The model it was made of: also tells how far the next-token distributions lie from that model's (Kullback-Leibler divergence with percentiles, agreement of the top tokens).");

    private readonly Option<string?> _againstLogits = Inputs.Text("--against-logits", "FILE",
        "The same from the dense model's saved logits, without that model; the divergence is then a lower bound, close to the exact one.");

    private readonly Option<string?> _saveLogits = Inputs.Text("--save-logits", "FILE",
        "Save this model's logits for --against-logits: of each position the 64 likeliest tokens and the log-sum-exp (276 or 340 bytes).");

    private readonly TaskOptions _tasks = new();

    private readonly Option<bool> _json = Inputs.Flag(
        "--json", "Print JSON: perplexity, standardError, tokens, segments, bitsPerWeight, fileBytes and more; of tasks, as lm-evaluation-harness does.");

    private readonly InferenceOptions _inference = new(new());

    private readonly Option<string?> _output = Inputs.Text("--output", "FILE", "Also write the JSON to a file.");

    public EvaluateCommand(Terminal terminal)
        : base("evaluate", "Measures how well a model foretells a text (perplexity: lower is better), and how well it answers questions (tasks).",
        ("the sample model on the sample tale", "quarank evaluate samples/tales --text samples/evaluation.txt"),
        ("every token with a long context before it",
            "quarank evaluate samples/tales --text samples/evaluation.txt --stride 512"),
        ("a compressed model beside the one it was made of",
            "quarank evaluate runs/tales-lordq2 --against samples/tales --text samples/evaluation.txt --length 256"),
        ("the same without running the dense model each time: save its logits once",
            "quarank evaluate samples/tales --text samples/evaluation.txt --length 256 --save-logits tales.logits"),
        ("and compare with them",
            "quarank evaluate runs/tales-lordq2 --text samples/evaluation.txt --against-logits tales.logits"),
        ("what bytes in the place of float inputs cost", "quarank evaluate runs/tales-lordq2 --text samples/evaluation.txt --activations int8"),
        ("a quick look at the first 8 segments, for a script", "quarank evaluate MODEL --text wiki.test.raw --segments 8 --json"),
        ("the five tasks of the LoRDQ paper", "quarank evaluate MODEL --tasks piqa,arc_easy,arc_challenge,boolq,storycloze --data FOLDER"),
        ("log-likelihoods as lm-evaluation-harness has them on transformers 5",
            "quarank evaluate SmolLM2 --tasks piqa --data FOLDER --tokenizer-rules class --samples --output piqa.json"),
        ("perplexity and 100 questions each of two tasks, in one report for other programs",
            "quarank evaluate MODEL --text wiki.test.raw --tasks hellaswag,winogrande --limit 100 --output results.json"))
    {
        Add(_model);
        AddGroup("Perplexity", _text, _segments, _length, _stride, _against, _againstLogits, _saveLogits);
        AddGroup("Tasks", _tasks.All);
        AddGroup("Numbers", _inference.All);
        AddGroup("Options", TokenizerOptions.Rules, ComputeOptions.Threads, _json, _output);
        AddCheck(Check);
        SetAction(parsed => Run(terminal, parsed));
    }

    private void Check(CommandResult given)
    {
        bool text = given.GetValue(_text) is not null;
        if (!text && !_tasks.AreGiven(given)) given.AddError("Give --text, --tasks or both.");
        if (!text)
            foreach (var option in new Option[] { _segments, _length, _stride, _against, _againstLogits, _saveLogits }.Where(o => given.GetResult(o) is { Implicit: false }))
                given.AddError($"{option.Name} belongs to --text.");
        _tasks.Check(given, given.GetValue(_json) || given.GetValue(_output) is not null);
        if (given.GetValue(_stride) is { } stride && given.GetValue(_length) is { } length && stride >= length)
            given.AddError($"--stride must be less than --length, {stride} is not less than {length}.");
        string[] logits = [.. new[] { _against, _againstLogits, _saveLogits }.Where(o => given.GetValue(o) is not null).Select(o => o.Name)];
        if (logits.Length > 1) given.AddError($"{string.Join(" and ", logits)} exclude each other; give one.");
        if (given.GetValue(_stride) is not null && logits.Length > 0)
            given.AddError($"{logits[0]} takes segments that do not overlap; leave out --stride.");
        if (given.GetValue(_saveLogits) is { } save)
        {
            if (!Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(save)))) given.AddError($"--save-logits: the folder of {save} does not exist.");
            foreach (var option in _inference.All.Where(o => given.GetResult(o) is { Implicit: false }))
                given.AddError($"--save-logits saves what the model gives in exact numbers; leave out {option.Name}.");
        }
        if (given.GetValue(_output) is { } output && !Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(output))))
            given.AddError($"--output: the folder of {output} does not exist.");
    }

    private int Run(Terminal terminal, ParseResult parsed)
    {
        ComputeOptions.Apply(parsed);
        var began = DateTimeOffset.UtcNow;
        using var checkpoint = Checkpoint.Open(parsed.GetRequiredValue(_model));
        var tasks = _tasks.AreGiven(parsed.CommandResult) ? _tasks.Prepare(parsed) : null;
        var loaded = new LoadedModel(terminal, checkpoint, _inference.Of(parsed), TokenizerOptions.Of(parsed));
        var measured = parsed.GetValue(_text) is { } text
            ? Measured.Of(terminal, loaded, text, parsed.GetValue(_length), parsed.GetValue(_stride), parsed.GetValue(_segments), parsed.GetValue(_against),
                new(parsed.GetValue(_againstLogits), parsed.GetValue(_saveLogits)))
            : null;
        var report = tasks is null ? null : TaskEvaluation.Run(terminal, loaded, tasks);

        object result = measured!;
        if (report is not null)
        {
            var json = TaskEvaluation.Json(report, checkpoint, _tasks.WithSamples(parsed), began);
            if (measured is not null) json["perplexity"] = Json.Node(measured);
            result = json;
        }
        if (parsed.GetValue(_output) is { } output) File.WriteAllText(output, Json.Text(result));
        if (parsed.GetValue(_json))
        {
            Json.Write(terminal, result);
            return Application.Success;
        }
        if (measured is not null) measured.WriteTable(terminal);
        if (report is not null) TaskEvaluation.WriteTable(terminal, report);
        return Application.Success;
    }
}
