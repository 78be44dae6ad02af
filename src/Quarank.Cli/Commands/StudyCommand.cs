using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Quarank.Checkpoints;
using Quarank.Cli.Console;
using Quarank.Compression;
using Quarank.Models;
using Quarank.Pipeline;
using Quarank.Studies.Paper;

namespace Quarank.Cli.Commands;

/// <summary><c>quarank study NAME MODEL --calibration … --out FOLDER</c>: the LoRDQ paper's tables and figures on any model.</summary>
internal sealed class StudyCommand : TaughtCommand
{
    private static readonly (string Word, StudyName Value)[] Names =
        [("blocks", StudyName.Blocks), ("bits", StudyName.Bits), ("rank", StudyName.Rank), ("spectra", StudyName.Spectra), ("methods", StudyName.Methods), ("gap", StudyName.Gap)];

    private readonly Argument<string> _name = new("NAME")
    {
        Description = "blocks: number of blocks and compensation (Table 3). bits: bits of P and Q at one budget (Table 6). rank: output error over rank, weighted and plain (Figure 2). "
            + "spectra: retained energy and spectra (Figure 3). methods: LoRDQ against GPTQ and RTN at 2 and 3 bits, and 16-bit Q (Tables 1, 2, 4, 5). "
            + "gap: error of learned blocks on seen and unseen text, FlexRound and LRQ, over the number of sequences and the rank (the LRQ paper's Figures 2 and 3).",
    };

    private readonly Argument<string> _model = new("MODEL") { Description = "The folder of the original model; it is left as it is." };
    private readonly CalibrationOptions _calibration = new();

    private readonly Option<string[]> _texts = new("--text")
    {
        HelpName = "FILE",
        Description = "A text to foretell, for blocks, bits and methods; may be given several times. Without one, only errors are compared.",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<int?> _segments = Inputs.Whole("--segments", "N", "Only the first segments of each text (all).", 1);
    private readonly Option<int?> _textLength = Inputs.Whole("--text-length", "N", "Tokens in a segment of a text (as --length).", 2);
    private readonly Option<double?> _bitsPerWeight = Inputs.Number("--bits-per-weight", "X", "blocks, bits: the budget (2).", 0.01, 32);
    private readonly Option<BitBudget?> _budget = Inputs.Choice("--budget", "blocks, bits: what it counts; the paper counts codes alone (codes).", ("codes", BitBudget.Codes), ("bytes", BitBudget.Bytes));
    private readonly Option<string[]> _pairs = new("--pair") { HelpName = "P,Q", Description = "bits: one more pair of bits beside the paper's five, such as 6,4; may be given several times.", Arity = ArgumentArity.OneOrMore };
    private readonly Option<int[]> _bits = new("--bits") { HelpName = "N", Description = "methods: at so many bits (2 and 3); may be given several times.", Arity = ArgumentArity.OneOrMore };

    private static readonly int[] UsualCounts = [8, 16, 32, 64], UsualRanks = [4, 16, 64];
    private readonly Option<int[]> _blocks = List("--blocks", "gap: the blocks to learn, each behind the original ones before it (the first, the middle and the last).");
    private readonly Option<int[]> _counts = List("--sample-counts", "gap: from how many sequences (8, 16, 32 and 64, as far as --samples reaches).");
    private readonly Option<int[]> _ranks = List("--ranks", "gap: LRQ's ranks beside its own rule, at the middle number of sequences (4, 16 and 64).");
    private readonly Option<int?> _unseen = Inputs.Whole("--unseen", "N", "gap: sequences to measure on: the calibration's last, or the first of --text (16).", 1);
    private readonly Option<int?> _steps = Inputs.Whole("--steps", "N", "gap: steps of learning (200).", 1);
    private readonly Option<int?> _batch = Inputs.Whole("--batch", "N", "gap: sequences in a step (2).", 1);
    private readonly Option<double?> _rate = Inputs.Number("--learning-rate", "X", "gap: size of the first step (0.01).", 1e-9, 1);

    private readonly Option<string> _out = new("--out") { HelpName = "FOLDER", Description = "Where study.md, study.json and the plots go; an older study there is replaced.", Required = true };
    private readonly Option<string?> _cache = Inputs.Text("--cache", "FOLDER", "Where finished rows, spectra and statistics are kept for the next study (OUT.cache).");
    private readonly Option<string?> _statistics = Inputs.Text("--statistics", "FOLDER", "Gram matrices of the original model, kept by compress or an earlier study (inside the cache).");
    private readonly Option<bool> _json = Inputs.Flag("--json", "Print study.json instead of study.md.");

    public StudyCommand(Terminal terminal)
        : base("study", "Does a table or figure of the LoRDQ paper again on any model: what it says, what is found here, whether its statements hold. Stopped, the same command goes on.",
        ("how much error is left at which rank, fitted to the inputs and not",
            "quarank study rank samples/tales --calibration samples/calibration.jsonl --samples 48 --length 256 --out runs/tales-rank"),
        ("how many blocks, and whether compensation helps, by perplexity",
            "quarank study blocks samples/tales --calibration samples/calibration.jsonl --samples 48 --length 256 --text samples/evaluation.txt --out runs/tales-blocks"),
        ("whether learned rounding holds for text it has not seen",
            "quarank study gap samples/tales --calibration samples/calibration.jsonl --samples 80 --length 128 --blocks 0,3,5 --sample-counts 8,16,32,64 --ranks 4,16,64 --out runs/tales-gap"),
        ("another study of the same model, with what the first has gathered",
            "quarank study methods samples/tales --calibration samples/calibration.jsonl --samples 48 --length 256 --text samples/evaluation.txt --out runs/tales-methods --cache runs/tales-blocks.cache"))
    {
        Add(_name);
        Add(_model);
        AddGroup("Calibration (rows are fitted to the original model's outputs unless --propagate compressed)", _calibration.All);
        AddGroup("The texts", _texts, _segments, _textLength);
        AddGroup("The rows", _bitsPerWeight, _budget, _pairs, _bits);
        AddGroup("Learned blocks (gap; also --bits, --text)", _blocks, _counts, _ranks, _unseen, _steps, _batch, _rate);
        AddGroup("The run", _out, _cache, _statistics, ComputeOptions.Threads, _json);
        AddCheck(Validate);
        SetAction(parsed => Run(terminal, parsed));
    }

    private void Validate(CommandResult given)
    {
        _calibration.Validate(given, hasRecipe: false);
        if (Named(given) is not { } name)
        {
            given.AddError($"There is no study '{given.GetValue(_name)}'; there are {string.Join(", ", Names.Select(n => n.Word))}.");
            return;
        }
        (Option Option, StudyName[] Studies)[] only =
        [
            (_texts, [StudyName.Blocks, StudyName.Bits, StudyName.Methods, StudyName.Gap]), (_bitsPerWeight, [StudyName.Blocks, StudyName.Bits]), (_budget, [StudyName.Blocks, StudyName.Bits]),
            (_pairs, [StudyName.Bits]), (_bits, [StudyName.Methods, StudyName.Gap]),
            .. new Option[] { _blocks, _counts, _ranks, _unseen, _steps, _batch, _rate }.Select(o => (o, new[] { StudyName.Gap })),
        ];
        foreach (var (option, studies) in only)
            if (given.GetResult(option) is { Implicit: false } && !studies.Contains(name))
                given.AddError($"{option.Name} says nothing to the study {Word(name)}; it is for {string.Join(", ", studies.Select(Word))}.");
        foreach (string pair in given.GetValue(_pairs) ?? [])
            if (Pair(pair) is null) given.AddError($"--pair takes two numbers of bits, 2 to 8 or 16, such as 6,4, not '{pair}'.");
        foreach (int bits in given.GetValue(_bits) ?? [])
            if (bits is < 2 or > 8) given.AddError($"--bits takes a whole number from 2 to 8, not '{bits}'.");
    }

    private int Run(Terminal terminal, ParseResult parsed)
    {
        ComputeOptions.Apply(parsed);
        var study = Named(parsed.CommandResult)!.Value;
        string output = Path.TrimEndingDirectorySeparator(Path.GetFullPath(parsed.GetRequiredValue(_out)));
        RefuseForeign(output);
        var request = Request(parsed, output);
        StudyResult result;
        using (var view = new ProgressView(terminal, $"study {Word(study)}"))
            result = PaperStudies.Run(study, request, new Immediate<StudyProgress>(p => view.Report(p.Total, p.Detail)), terminal.Stop);
        result.Write(output);
        terminal.Out.Write(parsed.GetValue(_json) ? result.ToJson() + "\n" : File.ReadAllText(Path.Combine(output, StudyResult.MarkdownName)));
        return Application.Success;
    }

    private StudyRequest Request(ParseResult parsed, string output)
    {
        var given = parsed.CommandResult;
        string model = parsed.GetRequiredValue(_model);
        using var checkpoint = Checkpoint.Open(model);
        var spec = ModelSpec.Of(checkpoint);
        var start = new Recipe(SomeMethod, new CalibrationSettings([])) { Propagate = Propagation.Original };
        var recipe = _calibration.Apply(given, start, spec.ContextLength, hasRecipe: false);
        return new StudyRequest(model, recipe.Calibration, parsed.GetValue(_cache) ?? output + ".cache")
        {
            Propagate = recipe.Propagate,
            Seed = recipe.Seed,
            Statistics = parsed.GetValue(_statistics),
            Texts = [.. (parsed.GetValue(_texts) ?? []).Select(t => (Path.GetFileName(t), TextInput.ReadDocuments(t)))],
            Length = parsed.GetValue(_textLength) ?? recipe.Calibration.Length,
            Segments = parsed.GetValue(_segments),
            BitsPerWeight = parsed.GetValue(_bitsPerWeight) ?? 2,
            Budget = parsed.GetValue(_budget) ?? BitBudget.Codes,
            Pairs = [.. (parsed.GetValue(_pairs) ?? []).Select(p => Pair(p)!.Value)],
            Bits = parsed.GetValue(_bits) is { Length: > 0 } bits ? bits : [2, 3],
            Gap = Gap(parsed, spec, recipe.Calibration),
        };
    }

    private GapRequest Gap(ParseResult parsed, ModelSpec spec, CalibrationSettings calibration)
    {
        int[] Given(Option<int[]> option, int[] otherwise) => parsed.GetValue(option) is { Length: > 0 } list ? [.. list.Distinct().Order()] : otherwise;
        int unseen = parsed.GetValue(_unseen) ?? 16, most = calibration.Samples - (parsed.GetValue(_texts) is { Length: > 0 } ? 0 : unseen), last = spec.BlockCount - 1;
        return new(Given(_blocks, [.. new[] { 0, last / 2, last }.Distinct()]), Given(_counts, [.. UsualCounts.Where(n => n <= most).DefaultIfEmpty(Math.Max(1, most))]),
            Given(_ranks, UsualRanks), unseen, parsed.GetValue(_bits) is [var bits, ..] ? bits : 3, new(parsed.GetValue(_steps) ?? 200, parsed.GetValue(_batch) ?? 2, parsed.GetValue(_rate)));
    }

    private static Option<int[]> List(string name, string description) => new(name)
    {
        HelpName = "LIST",
        Description = description,
        CustomParser = result =>
        {
            var numbers = new List<int>();
            foreach (string word in result.Tokens.SelectMany(t => t.Value.Split(',', StringSplitOptions.TrimEntries)))
                if (int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int n)) numbers.Add(n);
                else result.AddError($"{name} takes whole numbers between commas, such as 0,10,20, not '{word}'.");
            return [.. numbers];
        },
    };

    // A study replaces a study, and nothing else.
    private static void RefuseForeign(string folder)
    {
        if (File.Exists(folder)) throw new InvalidDataException($"{folder} is a file; name a folder for the study.");
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any() && !File.Exists(Path.Combine(folder, StudyResult.JsonName)))
            throw new InvalidDataException($"{folder}: the folder is not empty and holds no study; name another.");
    }

    private StudyName? Named(CommandResult given) => Array.Find(Names, n => n.Word == given.GetValue(_name)) is { Word: not null } found ? found.Value : null;

    private static string Word(StudyName name) => Array.Find(Names, n => n.Value == name).Word;

    private static (int P, int Q)? Pair(string text) =>
        text.Split(',') is [var p, var q] && Bits(p) is { } left && Bits(q) is { } right ? (left, right) : null;

    private static int? Bits(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int bits) && bits is (>= 2 and <= 8) or 16 ? bits : null;

    // Recipes have a method; the studies bring their own.
    private static Compression.Methods.Lordq SomeMethod => new();
}
