using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Quarank.Checkpoints;
using Quarank.Cli.Console;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Pipeline;
using Quarank.Studies;

namespace Quarank.Cli.Commands;

/// <summary><c>quarank compare MODEL --recipes …</c>: recipes brought to the same bytes and measured beside the dense model.</summary>
internal sealed class CompareCommand : TaughtCommand
{
    private readonly Argument<string> _model = new("MODEL") { Description = "The folder of the dense model." };

    private readonly Option<string[]> _recipes = new("--recipes")
    {
        HelpName = "A,B,...",
        Description = "Recipe files, names of files in recipes/, or shorthands: a method, a colon, its options as in gptq:group=64,clip.",
        Required = true,
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _bits = Inputs.Text("--bits-per-weight", "B,...", "Sizes over the linear layers, every stored bit counted: 2,2.5,3.");
    private readonly Option<string?> _bytes = Inputs.Text("--bytes", "N,...", "Sizes of the weight files.");
    private readonly Option<string?> _like = Inputs.Text("--like", "A,...", "Sizes that these recipes have as they are written.");
    private readonly Option<double?> _tolerance = Inputs.Number("--tolerance", "PERCENT",
        "By how much a recipe may exceed a size in bits per weight where no setting is nearer below (2); the table says by how much each misses.", 0, 50);

    private readonly CalibrationOptions _calibration = new();
    private readonly Option<string> _text = new("--text")
    {
        HelpName = "FILE",
        Description = "What all models foretell: a UTF-8 text, or JSON Lines (field \"text\"; also .gz).",
        Required = true,
    };

    private readonly Option<int?> _segments = Inputs.Whole("--segments", "N", "Only the first segments (all).", 1);
    private readonly Option<int?> _evaluationLength = Inputs.Whole(
        "--evaluation-length", "N", "Tokens in a segment (2048, or the model's context when that is shorter).", 2);

    private readonly Option<string?> _out = Inputs.Text("--out", "FOLDER",
        "For comparison.json, .md and .html, and under work/ what is finished (compare-MODEL in the current folder).");

    private readonly Option<string?> _statistics = Inputs.Text("--statistics", "FOLDER",
        "Gram matrices of the original model to use, or to keep there (under the out folder); for recipes that propagate the original.");

    private readonly Option<bool> _spectra = Inputs.Flag("--spectra", "Also the spectra of the original's layers, for the report.");
    private readonly Option<bool> _keep = Inputs.Flag("--keep", "Keep the compressed models under work/ instead of deleting each when it is measured.");
    private readonly Option<bool> _fresh = Inputs.Flag("--fresh", "Measure again what was measured before.");
    private readonly Option<bool> _json = Inputs.Flag("--json", "Print the comparison as JSON.");

    public CompareCommand(Terminal terminal)
        : base("compare", "Brings recipes to the same bytes and measures each beside the dense model. Killed at any moment, the same command goes on.",
        ("three methods on the sample model at three sizes",
            "quarank compare samples/tales --recipes gptq:clip,lordq,rtn:clip --bits-per-weight 2.5,3,4 --calibration samples/calibration.jsonl --samples 96 --length 256 --text samples/evaluation.txt --evaluation-length 256"),
        ("LoRDQ at exactly the bytes that GPTQ takes with 3 bits in groups of 64",
            "quarank compare MODEL --recipes gptq:bits=3,group=64,clip,lordq:k=2 --like gptq:bits=3,group=64,clip --calibration TEXT --text wiki.test.raw --segments 8"),
        ("recipes of your own at a file size, all fitted to the original's outputs",
            "quarank compare MODEL --recipes mine.json,lordq-3bit --bytes 100000000 --propagate original --calibration TEXT --text wiki.test.raw"))
    {
        Add(_model);
        AddGroup("Recipes and sizes", _recipes, _bits, _bytes, _like, _tolerance);
        AddGroup("Calibration", _calibration.All);
        AddGroup("Measuring", _text, _segments, _evaluationLength);
        AddGroup("The run", _out, _statistics, _spectra, _keep, _fresh, ComputeOptions.Threads, _json);
        AddCheck(given =>
        {
            _calibration.Validate(given, hasRecipe: false);
            if (new[] { _bits, _bytes, _like }.All(o => given.GetValue(o) is null))
                given.AddError("A size is required: --bits-per-weight, --bytes or --like.");
            Numbers(given, _bits);
            Numbers(given, _bytes);
        });
        SetAction(parsed => Run(terminal, parsed));
    }

    private int Run(Terminal terminal, ParseResult parsed)
    {
        ComputeOptions.Apply(parsed);
        var request = Request(parsed);
        using var view = new ProgressView(terminal, "compare");
        view.Report(0, "");
        var comparison = ComparisonRun.Execute(request, new Immediate<ComparisonProgress>(p =>
        {
            view.Report(p.Fraction, p.Doing);
            if (p.Finished is { } row) view.WriteLine(CompareView.Line(row));
        }), terminal.Stop);
        ComparisonFiles.Write(comparison, request.OutFolder);
        if (parsed.GetValue(_json)) terminal.Out.WriteLine(comparison.ToJson());
        else CompareView.Write(terminal, comparison, request.OutFolder);
        return Application.Success;
    }

    private ComparisonRequest Request(ParseResult parsed)
    {
        var given = parsed.CommandResult;
        string model = parsed.GetRequiredValue(_model), text = parsed.GetRequiredValue(_text), folder = RecipeFolder();
        var sizes = Numbers(given, _bits).Select(b => new ComparisonSize(BitsPerWeight: b))
            .Concat(Numbers(given, _bytes).Select(b => new ComparisonSize(Bytes: (long)b)));
        if (parsed.GetValue(_like) is { } like)
            sizes = sizes.Concat(RecipeShorthand.Parse([like], folder).Select(r => new ComparisonSize(Like: r)));
        using var checkpoint = Checkpoint.Open(model);
        var common = _calibration.Apply(
            given, new(new RoundToNearest(new GridFormat(3)), new([])), ModelSpec.Of(checkpoint).ContextLength, hasRecipe: false);
        var recipes = RecipeShorthand.Parse(parsed.GetRequiredValue(_recipes), folder)
            .Select(r => r with { Recipe = _calibration.Apply(given, r.Recipe, int.MaxValue, hasRecipe: true) });
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(model)));
        return new(model, [.. recipes], [.. sizes], common.Calibration, Path.GetFileName(text), TextInput.ReadDocuments(text),
            parsed.GetValue(_out) ?? $"compare-{name}")
        {
            Length = parsed.GetValue(_evaluationLength),
            Segments = parsed.GetValue(_segments),
            Tolerance = parsed.GetValue(_tolerance) ?? 2,
            Keep = parsed.GetValue(_keep),
            Fresh = parsed.GetValue(_fresh),
            Spectra = parsed.GetValue(_spectra),
            Statistics = parsed.GetValue(_statistics),
        };
    }

    private static double[] Numbers(CommandResult given, Option<string?> option)
    {
        var numbers = new List<double>();
        foreach (string part in (given.GetValue(option) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            if (double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out double n) && n > 0 && double.IsFinite(n)) numbers.Add(n);
            else given.AddError($"{option.Name} takes positive numbers between commas, not '{part}'.");
        return [.. numbers];
    }

    /// <summary>recipes/ in the current folder, or beside the program in a folder above it.</summary>
    private static string RecipeFolder()
    {
        const string name = "recipes";
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null && !Directory.Exists(name); folder = folder.Parent)
            if (Directory.Exists(Path.Combine(folder.FullName, name))) return Path.Combine(folder.FullName, name);
        return name;
    }
}
