using System.CommandLine;
using System.CommandLine.Parsing;
using Quarank.Cli.Console;
using Quarank.Studies.Speed;

namespace Quarank.Cli.Commands;

/// <summary>What a synthetic model looks like, how it is stored, and where.</summary>
internal sealed class SyntheticOptions
{
    private const string Tied = "tied:", PackedHead = "grid:4:128";
    private static readonly SyntheticShape Usual = new();

    private readonly Option<bool> _synthetic = Inputs.Flag("--synthetic",
        "Write models with random weights, bench them, delete them. The shape is TinyLlama's, 1.1 billion parameters, if no other is given.");

    private readonly Option<string?> _form = Inputs.Text("--form", "FORM,...",
        $"How the blocks' layers are stored, a model for each: {SyntheticForm.Grammar}. One table, with ratios to the first grid of 4 bits (grid:4:128).");

    private readonly Option<string?> _head = Inputs.Text("--head", "FORM",
        $"How the head is stored ({PackedHead}; with dense layers as they are). tied:FORM: the embedding's matrix is the head. Else the embedding is f16.");
    private readonly Option<int?> _layers = Inputs.Whole("--layers", "N", $"Blocks ({Usual.Layers}).", 1, 1000);
    private readonly Option<int?> _hidden = Inputs.Whole("--hidden", "N", $"Width of the hidden states ({Usual.Hidden}).", 2, 1 << 16);
    private readonly Option<int?> _intermediate = Inputs.Whole("--intermediate", "N", $"Width of the feed-forward part ({Usual.Intermediate}).", 1, 1 << 18);
    private readonly Option<int?> _heads = Inputs.Whole("--heads", "N", $"Query heads ({Usual.Heads}).", 1, 1 << 10);
    private readonly Option<int?> _keyValueHeads = Inputs.Whole("--kv-heads", "N", $"Key and value heads ({Usual.KeyValueHeads}).", 1, 1 << 10);
    private readonly Option<int?> _vocabulary = Inputs.Whole("--vocabulary", "N", $"Tokens, {Usual.Vocabulary} if not given.", 1, 1 << 20);
    private readonly Option<string?> _keep = Inputs.Text("--keep", "FOLDER", "Write the models there, in folders named after their forms, and leave them.");
    private readonly Option<bool> _writeOnly = Inputs.Flag("--write-only", "Measure nothing; with --keep.");
    private readonly Option<string?> _tokenizer = Inputs.Text("--tokenizer", "FOLDER", "Copy this model's tokenizer into the written folders; with --keep.");

    public Option[] All =>
        [_synthetic, _form, _head, _layers, _hidden, _intermediate, _heads, _keyValueHeads, _vocabulary, _keep, _writeOnly, _tokenizer];

    public bool AreGiven(ParseResult parsed) => parsed.GetValue(_synthetic);

    public bool OnlyWrites(ParseResult parsed) => parsed.GetValue(_writeOnly);

    public string? Keep(ParseResult parsed) => parsed.GetValue(_keep);

    public string? Tokenizer(ParseResult parsed) => parsed.GetValue(_tokenizer);

    public void Validate(CommandResult given, int models)
    {
        if (!given.GetValue(_synthetic))
        {
            foreach (var option in All)
                if (given.GetResult(option) is { Implicit: false }) given.AddError($"{option.Name} belongs to --synthetic.");
            if (models == 0) given.AddError("A model's folder is required, or --synthetic.");
            return;
        }
        if (models > 0) given.AddError("--synthetic writes its own models; leave out the folders.");
        if (given.GetValue(_keep) is null)
            foreach (Option option in new Option[] { _writeOnly, _tokenizer })
                if (given.GetResult(option) is { Implicit: false }) given.AddError($"{option.Name} needs --keep, where to write.");
        try
        {
            foreach (var form in Forms(given.GetValue(_form))) Head(given.GetValue(_head), form);
        }
        catch (ArgumentException e)
        {
            given.AddError(e.Message);
        }
    }

    /// <summary>The models that were asked for; the forms are their names.</summary>
    public IReadOnlyList<SyntheticModel> Models(ParseResult parsed)
    {
        var shape = new SyntheticShape(parsed.GetValue(_layers) ?? Usual.Layers, parsed.GetValue(_hidden) ?? Usual.Hidden,
            parsed.GetValue(_intermediate) ?? Usual.Intermediate, parsed.GetValue(_heads) ?? Usual.Heads,
            parsed.GetValue(_keyValueHeads) ?? Usual.KeyValueHeads, parsed.GetValue(_vocabulary) ?? Usual.Vocabulary);
        string? head = parsed.GetValue(_head);
        bool tied = head?.StartsWith(Tied, StringComparison.Ordinal) ?? false;
        return [.. Forms(parsed.GetValue(_form)).Select(f => new SyntheticModel(shape, f, Head(head, f), tied))];
    }

    private static SyntheticForm Head(string? text, SyntheticForm layers)
    {
        if (text is not null) return SyntheticForm.Parse(text.StartsWith(Tied, StringComparison.Ordinal) ? text[Tied.Length..] : text);
        return layers.IsDense ? layers : SyntheticForm.Parse(PackedHead);
    }

    private static List<SyntheticForm> Forms(string? text) => [.. (text ?? "grid:4:128").Split(',').Distinct().Select(SyntheticForm.Parse)];
}
