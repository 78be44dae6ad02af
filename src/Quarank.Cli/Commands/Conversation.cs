using System.Diagnostics;
using System.Text;
using Quarank.Checkpoints;
using Quarank.Cli.Console;
using Quarank.Models;
using Quarank.Tokenizers;
using Quarank.Tokenizers.Chat;

namespace Quarank.Cli.Commands;

/// <summary>A model in a conversation: turn by turn, one session for all of it.</summary>
/// <param name="ends">Tokens that end an answer.</param>
/// <param name="parseSpecialTokens">Special tokens written out in messages count as such.</param>
internal sealed class Conversation(
    Model model, Tokenizer tokenizer, ChatTemplate template, IReadOnlySet<int> ends, bool parseSpecialTokens, string path)
{
    private readonly List<ChatMessage> _messages = [];
    private readonly Session _session = model.NewSession();

    // What the session has read.
    private readonly List<int> _read = [];

    /// <param name="templateName">One of several templates of the model, or a file with one; null is the model's usual.</param>
    /// <exception cref="InvalidDataException">The model has no chat template.</exception>
    public static Conversation Load(Checkpoint checkpoint, string? templateName, bool parseSpecialTokens, InferenceSettings settings, Tokenizer tokenizer)
    {
        var template = ChatTemplate.Load(checkpoint.Directory, templateName) ?? throw new InvalidDataException(
            $"{checkpoint.Path}: there is no chat template in chat_template.jinja, tokenizer_config.json or chat_template.json; "
            + "leave out --chat, or name a file with --chat-template.");
        var model = Model.Load(checkpoint);
        model.Settings = settings;
        HashSet<int> ends = [.. model.Spec.EndOfText, .. EndTokens.Read(checkpoint.Directory)];
        foreach (int? end in (int?[])[tokenizer.EndOfText, template.EndOfTurn(tokenizer)])
            if (end is { } id) ends.Add(id);
        return new(model, tokenizer, template, ends, parseSpecialTokens, checkpoint.Path);
    }

    public Model Model => model;

    /// <summary>Adds a turn that is not answered.</summary>
    public void Say(ChatMessage message) => _messages.Add(message);

    /// <summary>Says something and hears the answer, each piece as soon as it is whole.</summary>
    public Story Ask(string question, int tokens, Sampler sampler, Action<string> show, CancellationToken stop)
    {
        _messages.Add(ChatMessage.User(question));
        int[] prompt = template.Encode(tokenizer, _messages, answer: true, parseSpecialTokens);
        if (prompt.Length >= model.Spec.ContextLength)
            throw new InvalidDataException(Units.Invariant(
                $"The conversation has {prompt.Length:N0} tokens; the {model.Spec.ContextLength:N0} positions of {path} leave no room for an answer."));

        var clock = Stopwatch.StartNew();
        var decoder = tokenizer.StartDecoding(skipSpecialTokens: true);
        var text = new StringBuilder();
        List<int> made = [];
        int room = Math.Min(tokens, model.Spec.ContextLength - prompt.Length);
        int next = sampler.Next(Read(prompt));
        while (!ends.Contains(next))
        {
            stop.ThrowIfCancellationRequested();
            made.Add(next);
            Add(decoder.Append(next));
            if (made.Count == room) break;
            _read.Add(next);
            next = sampler.Next(_session.Step(next));
        }
        Add(decoder.Finish());
        _messages.Add(ChatMessage.Assistant(text.ToString()));
        string? ended = made.Count < room ? "the answer ended" : room < tokens ? "the context is full" : null;
        return new(question, text.ToString(), made, ended, made.Count / clock.Elapsed.TotalSeconds, _session.CacheBytes)
        { TokenizerClass = tokenizer.ClassRules };

        void Add(string piece)
        {
            text.Append(piece);
            if (piece.Length > 0) show(piece);
        }
    }

    // Only what differs from the last turn is read: templates may write old answers otherwise than they came.
    private ReadOnlySpan<float> Read(int[] prompt)
    {
        int same = 0;
        while (same < _read.Count && same < prompt.Length - 1 && _read[same] == prompt[same]) same++;
        _session.Rewind(same);
        _read.RemoveRange(same, _read.Count - same);
        _read.AddRange(prompt.AsSpan(same));
        return _session.Append(prompt.AsSpan(same));
    }
}
