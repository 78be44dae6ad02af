using System.CommandLine;
using System.Text;
using Quarank.Checkpoints;
using Quarank.Cli.Console;
using Quarank.Models;
using Quarank.Tokenizers;

namespace Quarank.Cli.Commands;

/// <summary><c>quarank generate MODEL --prompt TEXT</c>: goes on with a text, word by word.</summary>
internal sealed class GenerateCommand : TaughtCommand
{
    private readonly Argument<string> _model = new("MODEL") { Description = "A model folder, compressed or not." };
    private readonly Option<string?> _prompt = Inputs.Text(
        "--prompt", "TEXT", "The text to go on with (\"\" begins a new one), or with --chat the question.");
    private readonly Option<int?> _tokens = Inputs.Whole(
        "--tokens", "N", $"At most so many tokens (100; with --chat {ChatOptions.UsualTokens} an answer).", 1);
    private readonly Option<double?> _temperature = Inputs.Number(
        "--temperature", "X", "0 takes the likeliest token each time, 1 draws as the model says (0).", 0, 100);
    private readonly Option<int?> _topK = Inputs.Whole("--top-k", "N", "Draw from the N likeliest tokens only; 0 = all (0).", 0);
    private readonly Option<double?> _topP = Inputs.Number(
        "--top-p", "X", "Draw from the fewest tokens that hold this share of the probability, up to 1 (1).", 1e-6, 1);
    private readonly Option<int?> _seed = Inputs.Whole(
        "--seed", "N", "Where the drawing starts; the same seed tells the same story (0).", 0);
    private readonly Option<bool> _begin = Inputs.Flag(
        "--begin", "Put the token that begins a text before the prompt, where the tokenizer does not.");
    private readonly Option<bool> _noPrompt = Inputs.Flag("--no-prompt", "Do not print the prompt before what follows it.");
    private readonly Option<int?> _texts = Inputs.Whole(
        "--texts", "N",
        "So many texts as JSON Lines (field \"text\"), each with the next seed: a calibration text made by the model itself.", 1);
    private readonly Option<bool> _json = Inputs.Flag(
        "--json", "Print JSON when all is done: prompt, text, ids, tokensPerSecond, cacheBytes.");
    private readonly InferenceOptions _inference = new(InferenceSettings.Fast);
    private readonly ChatOptions _chat = new();

    public GenerateCommand(Terminal terminal) : base("generate", "Goes on with a text.",
        ("the likeliest words", "quarank generate samples/tales --prompt \"Once upon a time\""),
        ("something livelier, another with every seed",
            "quarank generate samples/tales --prompt \"The king said\" --temperature 0.8 --top-p 0.95 --seed 7 --tokens 200"),
        ("a text from nothing", "quarank generate samples/tales --prompt \"\" --temperature 0.8"),
        ("a question to a chat model", "quarank generate SmolLM2 --chat --prompt \"What is the capital of France?\""),
        ("a conversation, line by line", "quarank generate SmolLM2 --chat --system \"Answer in one sentence.\""))
    {
        Add(_model);
        AddGroup("Options", _prompt, _tokens, _temperature, _topK, _topP, _seed, _begin, _noPrompt, _texts,
            TokenizerOptions.Rules, ComputeOptions.Threads, _json);
        AddGroup("Numbers", _inference.All);
        AddGroup("Chat", _chat.All);
        AddCheck(given =>
        {
            _chat.Check(given, _prompt, _begin, _noPrompt, _texts);
            if (given.GetValue(_json) && given.GetResult(_texts) is not null) given
                .AddError("--texts prints JSON Lines by itself; leave out --json.");
        });
        SetAction(parsed =>
        {
            ComputeOptions.Apply(parsed);
            using var checkpoint = Checkpoint.Open(parsed.GetRequiredValue(_model));
            if (_chat.Wanted(parsed))
            {
                _chat.Run(terminal, parsed, checkpoint, parsed.GetValue(_prompt), parsed.GetValue(_tokens) ?? ChatOptions.UsualTokens,
                    NewSampler(parsed), _inference.Of(parsed), parsed.GetValue(_json));
                return Application.Success;
            }
            var storyteller = Storyteller.Load(checkpoint, _inference.Of(parsed), TokenizerOptions.Load(terminal, checkpoint.Directory, TokenizerOptions.Of(parsed)));
            InferenceOptions.Warn(terminal, storyteller.Model);
            if (parsed.GetValue(_texts) is { } count) TellMany(terminal, storyteller, parsed, count);
            else TellOne(terminal, storyteller, parsed);
            return Application.Success;
        });
    }

    private void TellOne(Terminal terminal, Storyteller storyteller, ParseResult parsed)
    {
        bool json = parsed.GetValue(_json);
        var story = Tell(storyteller, parsed, 0, piece =>
        {
            if (json) return;
            terminal.Out.Write(piece);
            terminal.Out.Flush();
        }, terminal.Stop);
        if (json) Json.Write(terminal, story);
        else
        {
            terminal.Out.WriteLine();
            terminal.Error
                .WriteLine(
                Units.Invariant(
                $"{story.Ids.Count} tokens, {story.TokensPerSecond:0.0} tokens/s, cache {Units.Bytes(story.CacheBytes)}{(story.Ended is { } why ? $"; {why}" : "")}"));
        }
    }

    /// <summary>JSON Lines, as calibration reads them.</summary>
    private void TellMany(Terminal terminal, Storyteller storyteller, ParseResult parsed, int count)
    {
        using var view = new ProgressView(terminal, "generate");
        for (int i = 0; i < count; i++)
        {
            view.Report((double)i / count, Units.Invariant($"text {i + 1} of {count}"));
            var text = new StringBuilder();
            Tell(storyteller, parsed, i, piece => text.Append(piece), terminal.Stop);
            Json.WriteLine(terminal, new { Text = text.ToString() });
        }
    }

    private Story Tell(Storyteller storyteller, ParseResult parsed, int index, Action<string> show, CancellationToken stop)
    {
        return storyteller
            .Tell(parsed.GetValue(_prompt)!, parsed.GetValue(_begin), parsed.GetValue(_tokens) ?? 100, NewSampler(parsed, index), show,
            !parsed.GetValue(_noPrompt), stop);
    }

    private Sampler NewSampler(ParseResult parsed, int index = 0) => new((float)(parsed.GetValue(_temperature) ?? 0),
        parsed.GetValue(_topK) ?? 0, (float)(parsed.GetValue(_topP) ?? 1), (parsed.GetValue(_seed) ?? 0) + index);
}
