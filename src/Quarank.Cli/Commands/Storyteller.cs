using System.Diagnostics;
using System.Text;
using System.Text.Json.Serialization;
using Quarank.Checkpoints;
using Quarank.Cli.Console;
using Quarank.Models;
using Quarank.Tokenizers;

namespace Quarank.Cli.Commands;

/// <summary>A text that a model went on with.</summary>
/// <param name="Text">What follows the prompt.</param>
/// <param name="Ids">Its tokens.</param>
/// <param name="CacheBytes">What keys and values took in the end.</param>
/// <param name="Ended">Why there are fewer tokens than were asked for; null when there are as many.</param>
internal sealed record Story(string Prompt, string Text, IReadOnlyList<int> Ids, string? Ended, double TokensPerSecond, long CacheBytes)
{
    /// <summary>The class by whose rules texts were cut; left out when those of tokenizer.json counted.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? TokenizerClass { get; init; }
}

/// <summary>A model with its tokenizer, ready to go on with texts.</summary>
internal sealed class Storyteller(Model model, Tokenizer tokenizer, string path)
{
    public Model Model => model;

    /// <param name="own">The model's tokenizer, when it is loaded already.</param>
    public static Storyteller Load(Checkpoint checkpoint, InferenceSettings? settings = null, Tokenizer? own = null)
    {
        var model = Model.Load(checkpoint);
        if (settings is not null) model.Settings = settings;
        return new(model, own ?? Tokenizer.Load(checkpoint.Directory), checkpoint.Path);
    }

    /// <summary>Goes on with a prompt, handing out each piece of text as soon as it is whole.</summary>
    /// <param name="begin">Start with the token that begins a text even if the tokenizer does not.</param>
    /// <param name="withPrompt">Hand out the prompt first.</param>
    public Story Tell(string prompt, bool begin, int tokens, Sampler sampler, Action<string> show, bool withPrompt,
        CancellationToken stop)
    {
        var ids = PromptIds(prompt, begin);
        if (ids.Length >= model.Spec.ContextLength)
            throw new InvalidDataException(
                Units.Invariant(
                $"The prompt has {ids.Length:N0} tokens; the {model.Spec.ContextLength:N0} positions of {path} leave no room for more."));
        var decoder = tokenizer.StartDecoding(skipSpecialTokens: true);
        string given = string.Concat(ids.Select(decoder.Append));
        if (withPrompt) show(given);

        var clock = Stopwatch.StartNew();
        var text = new StringBuilder();
        var made = new List<int>();
        var session = model.NewSession();
        foreach (int id in Generator.Generate(session, model.Spec, ids, tokens, sampler))
        {
            stop.ThrowIfCancellationRequested();
            made.Add(id);
            Add(decoder.Append(id));
        }
        Add(decoder.Finish());
        string? ended = made.Count == tokens ? null : ids.Length + made.Count >= model.Spec.ContextLength ? "the context is full"
            : "the text ended";
        return new(prompt, text.ToString(), made, ended, made.Count / clock.Elapsed.TotalSeconds, session.CacheBytes)
        { TokenizerClass = tokenizer.ClassRules };

        void Add(string piece)
        {
            text.Append(piece);
            if (piece.Length > 0) show(piece);
        }
    }

    private int[] PromptIds(string prompt, bool begin)
    {
        var ids = tokenizer.Encode(prompt);
        int? first = tokenizer.BeginningOfText ?? model.Spec.BeginningOfText;
        if (ids.Length > 0 && (!begin || ids[0] == first)) return ids;
        return first is { } id ? [id, .. ids]
            : throw new InvalidDataException(
                $"{path}: neither tokenizer nor config.json names a token that begins a text; give a prompt{(begin ? " and leave out --begin" : "")}.");
    }
}
