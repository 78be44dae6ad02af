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
        Description = "Recipe files, names of files in recipes/, or shorthands: a method, a colon, its options as in gptq:group=64,clip; a plus and a method around it as in gptq:clip+eora:rank=16; best is the best recipe known for each size.",
        Required = true,
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _bits = Inputs.Text("--bits-per-weight", "B,...", "Sizes over the linear layers, every stored bit counted: 2,2.5,3.");
    private readonly Option<string?> _bytes = Inputs.Text("--bytes", "N,...", "Sizes of the weight files.");
    private readonly Option<string?> _like = Inputs.Text("--like", "A,...", "Sizes that these recipes have as they are written.");
    private readonly Option<double?> _tolerance = Inputs.Number("--tolerance", "PERCENT",
        "By how much a recipe may exceed a size in bits per weight where no setting is nearer below (2); the table says by how much each misses.", 0, 50);

    private readonly CalibrationOptions _calibration = new();
    private readonly Option<string[]> _texts = new("--text")
    {
        HelpName = "[NAME=]FILE",
        Description = "What all models foretell: a UTF-8 text, or JSON Lines (field \"text\"; also .gz); may be given several times. The table calls it NAME, or by its file.",
        Required = true,
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly TaskOptions _tasks = new();
    private readonly Option<int?> _segments = Inputs.Whole("--segments", "N", "Only the first segments of each text (all).", 1);
    private readonly Option<int?> _evaluationLength = Inputs.Whole(
        "--evaluation-length", "N", "Tokens in a segment (2048, or the model's context when that is shorter).", 2);

    private readonly Option<string?> _out = Inputs.Text("--out", "FOLDER",
        "For comparison.json, .md and .html, and under work/ what is finished (compare-MODEL in the current folder).");

    private readonly Option<string?> _statistics = Inputs.Text("--statistics", "FOLDER",
        "Gram matrices of the original model to use, or to keep there (under the out folder); for recipes that propagate the original.");

    private readonly Option<string?> _only = Inputs.Text("--only", "A,...",
        "Measure these of the recipes now; the table shows the others as far as they were measured before. Piece by piece the same command makes the whole table.");

    private readonly Option<string?> _onlySizes = Inputs.Text("--only-sizes", "B,...", "Measure these of the sizes now (bits per weight), likewise.");
    private readonly Option<bool> _spectra = Inputs.Flag("--spectra", "Also the spectra of the original's layers, for the report.");
    private readonly Option<bool> _keep = Inputs.Flag("--keep", "Keep the compressed models under work/ instead of deleting each when it is measured.");
    private readonly Option<bool> _fresh = Inputs.Flag("--fresh", "Measure again what was measured before.");
    private readonly Option<bool> _dryRun = Inputs.Flag("--dry-run", "Only say what is left to do, row by row, and about how long it will take.");
    private readonly Option<bool> _json = Inputs.Flag("--json", "Print the comparison as JSON.");

    public CompareCommand(Terminal terminal)
        : base("compare", "Brings recipes to the same bytes and measures each beside the dense model. Killed at any moment, the same command goes on.",
        ("three methods on the sample model at three sizes",
            "quarank compare samples/tales --recipes gptq:clip,lordq,rtn:clip --bits-per-weight 2.5,3,4 --calibration samples/calibration.jsonl --samples 96 --length 256 --text samples/evaluation.txt --evaluation-length 256"),
        ("LoRDQ at exactly the bytes that GPTQ takes with 3 bits in groups of 64",
            "quarank compare MODEL --recipes gptq:bits=3,group=64,clip,lordq:k=2 --like gptq:bits=3,group=64,clip --calibration TEXT --text wiki.test.raw --segments 8"),
        ("a table of two texts and two tasks, made in pieces: this one measures one row of it",
            "quarank compare MODEL --recipes best,gptq:clip,gptq:clip+eora:factorBits=4,lattice,caldera --bits-per-weight 2,2.5,3,4 --calibration TEXT --text WT2=wiki.test.raw --text C4=c4.jsonl --segments 8 --tasks piqa,arc_easy --limit 200 --data DATA --only caldera --only-sizes 2.5"),
        ("recipes of your own at a file size, all fitted to the original's outputs",
            "quarank compare MODEL --recipes mine.json,lordq-3bit --bytes 100000000 --propagate original --calibration TEXT --text wiki.test.raw"))
    {
        Add(_model);
        AddGroup("Recipes and sizes", _recipes, _bits, _bytes, _like, _tolerance);
        AddGroup("Calibration", _calibration.All);
        AddGroup("Measuring", [_texts, _segments, _evaluationLength, .. _tasks.ForFigures]);
        AddGroup("The run", _only, _onlySizes, _out, _statistics, _spectra, _keep, _fresh, _dryRun, ComputeOptions.Threads, _json);
        AddCheck(given =>
        {
            _calibration.Validate(given, hasRecipe: false);
            if (new[] { _bits, _bytes, _like }.All(o => given.GetValue(o) is null))
                given.AddError("A size is required: --bits-per-weight, --bytes or --like.");
            Numbers(given, _bits);
            Numbers(given, _bytes);
            Numbers(given, _onlySizes);
            _tasks.Check(given, json: true);
        });
        SetAction(parsed => Run(terminal, parsed));
    }

    private int Run(Terminal terminal, ParseResult parsed)
    {
        ComputeOptions.Apply(parsed);
        var request = Request(parsed);
        if (parsed.GetValue(_dryRun))
        {
            var forecast = ComparisonRun.Forecast(request, terminal.Stop);
            if (parsed.GetValue(_json)) Json.Write(terminal, forecast);
            else CompareView.Write(terminal, forecast);
            return Application.Success;
        }
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
        string model = parsed.GetRequiredValue(_model), folder = RecipeFolder();
        var sizes = Numbers(given, _bits).Select(b => new ComparisonSize(BitsPerWeight: b))
            .Concat(Numbers(given, _bytes).Select(b => new ComparisonSize(Bytes: (long)b)));
        if (parsed.GetValue(_like) is { } like)
            sizes = sizes.Concat(RecipeShorthand.Parse([like], folder).Select(r => new ComparisonSize(Like: r)));
        using var checkpoint = Checkpoint.Open(model);
        var common = _calibration.Apply(
            given, new(new RoundToNearest(new GridFormat(3)), new([])), ModelSpec.Of(checkpoint).ContextLength, hasRecipe: false);
        var recipes = RecipeShorthand.Parse(parsed.GetRequiredValue(_recipes), folder)
            .Select(r => r.With(recipe => _calibration.Apply(given, recipe, int.MaxValue, hasRecipe: true)));
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(model)));
        return new(model, [.. recipes], [.. sizes], common.Calibration, Texts(parsed.GetRequiredValue(_texts)), parsed.GetValue(_out) ?? $"compare-{name}")
        {
            Tasks = _tasks.AreGiven(given) ? _tasks.Prepare(parsed) : [],
            Only = parsed.GetValue(_only) is { } only ? [.. RecipeShorthand.Parse([only], folder).Select(r => r.Name)] : null,
            OnlySizes = parsed.GetValue(_onlySizes) is null ? null : Numbers(given, _onlySizes),
            Length = parsed.GetValue(_evaluationLength),
            Segments = parsed.GetValue(_segments),
            Tolerance = parsed.GetValue(_tolerance) ?? 2,
            Keep = parsed.GetValue(_keep),
            Fresh = parsed.GetValue(_fresh),
            Spectra = parsed.GetValue(_spectra),
            Statistics = parsed.GetValue(_statistics),
        };
    }

    /// <summary>"NAME=FILE" or "FILE", whose name without its folder is then that of the text.</summary>
    private static NamedText[] Texts(string[] given)
    {
        NamedText[] texts = [.. given.Select(text =>
        {
            string[] sides = text.Split('=', 2);
            bool named = sides.Length == 2 && sides[0].Length > 0 && sides[0].AsSpan().IndexOfAny("/\\") < 0 && !File.Exists(text);
            string file = named ? sides[1] : text;
            return new NamedText(named ? sides[0] : Path.GetFileName(file), TextInput.ReadDocuments(file));
        })];
        return texts.GroupBy(t => t.Name).FirstOrDefault(g => g.Count() > 1) is { } twice
            ? throw new InvalidDataException($"Two texts are called '{twice.Key}'; name them as in --text A={twice.Key}.") : texts;
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
