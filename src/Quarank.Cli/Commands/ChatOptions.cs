using System.CommandLine;
using System.CommandLine.Parsing;
using Quarank.Checkpoints;
using Quarank.Cli.Console;
using Quarank.Models;
using Quarank.Tokenizers.Chat;

namespace Quarank.Cli.Commands;

/// <summary>What <c>generate --chat</c> takes, and the conversation it holds.</summary>
internal sealed class ChatOptions
{
    /// <summary>An answer's tokens when nothing is said.</summary>
    public const int UsualTokens = 512;

    private readonly Option<bool> _chat = Inputs.Flag("--chat",
        "Ask by the model's chat template. Without --prompt every line of the input is a question, the answers before it known.");
    private readonly Option<string?> _system = Inputs.Text("--system", "TEXT", "What the model is told before the conversation.");
    private readonly Option<string?> _template = Inputs.Text("--chat-template", "NAME|FILE",
        "One of the model's named templates, or a file with one (the model's default).");
    private readonly Option<bool> _parse = Inputs.Flag("--parse-special",
        "Special tokens written out in questions count as such; otherwise they are text.");

    public Option[] All => [_chat, _system, _template, _parse];

    public bool Wanted(ParseResult parsed) => parsed.GetValue(_chat);

    /// <param name="prompt">Needed without --chat.</param>
    /// <param name="others">Options that mean nothing in a conversation.</param>
    public void Check(CommandResult given, Option prompt, params Option[] others)
    {
        if (!given.GetValue(_chat))
        {
            if (given.GetResult(prompt) is null) given.AddError("Give a --prompt, or --chat.");
            foreach (var option in (Option[])[_system, _template, _parse])
                if (given.GetResult(option) is { Implicit: false }) given.AddError($"{option.Name} needs --chat.");
            return;
        }
        foreach (var option in others)
            if (given.GetResult(option) is { Implicit: false }) given.AddError($"{option.Name} does not go with --chat.");
    }

    /// <summary>Answers the prompt, or line after line of the input.</summary>
    public void Run(Terminal terminal, ParseResult parsed, Checkpoint checkpoint, string? prompt, int tokens, Sampler sampler, InferenceSettings settings, bool json)
    {
        var conversation = Conversation.Load(checkpoint, parsed.GetValue(_template), parsed.GetValue(_parse), settings,
            TokenizerOptions.Load(terminal, checkpoint.Directory, TokenizerOptions.Of(parsed)));
        InferenceOptions.Warn(terminal, conversation.Model);
        if (parsed.GetValue(_system) is { } system) conversation.Say(ChatMessage.System(system));
        if (prompt is not null)
        {
            Answer(prompt);
            return;
        }
        while (NextLine(terminal) is { } line)
            if (line.Trim().Length > 0) Answer(line);

        void Answer(string question)
        {
            var story = conversation.Ask(question, tokens, sampler, piece =>
            {
                if (json) return;
                terminal.Out.Write(piece);
                terminal.Out.Flush();
            }, terminal.Stop);
            if (json && prompt is not null) Json.Write(terminal, story);
            else if (json) Json.WriteLine(terminal, story);
            else
            {
                terminal.Out.WriteLine();
                terminal.Error.WriteLine(Units.Invariant(
                    $"{story.Ids.Count} tokens, {story.TokensPerSecond:0.0} tokens/s, cache {Units.Bytes(story.CacheBytes)}{(story.Ended is { } why ? $"; {why}" : "")}"));
            }
        }
    }

    private static string? NextLine(Terminal terminal)
    {
        if (terminal.InIsScreen)
        {
            terminal.Error.Write("> ");
            terminal.Error.Flush();
        }
        return terminal.In.ReadLine();
    }
}
