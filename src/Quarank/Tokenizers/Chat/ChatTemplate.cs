using Quarank.Tokenizers.Jinja;

namespace Quarank.Tokenizers.Chat;

/// <summary>
/// How a model wants a conversation written: a template of the subset of Jinja that chat templates use, with the texts of the
/// tokenizer's special tokens.
/// </summary>
public sealed class ChatTemplate
{
    private readonly Template _template;
    private readonly IReadOnlyDictionary<string, string> _specialTokens;

    internal ChatTemplate(string source, string file, IReadOnlyDictionary<string, string> specialTokens) =>
        (_template, File, _specialTokens) = (Template.Parse(source, file), file, specialTokens);

    /// <summary>Where the template comes from.</summary>
    public string File { get; }

    /// <summary>
    /// The template of a model folder: chat_template.jinja, else chat_template of tokenizer_config.json (a text, or a list of named
    /// ones), else chat_template.json. Null when there is none.
    /// </summary>
    /// <param name="name">Which of several named ones; "default" when not said. Or the path of a template file.</param>
    /// <exception cref="InvalidDataException">The template is not well formed, or there is none of that name.</exception>
    /// <exception cref="NotSupportedException">It uses what is not supported; the message names it and what is.</exception>
    public static ChatTemplate? Load(string folder, string? name = null) => ChatTemplateFiles.Load(folder, name);

    /// <summary>The text of a conversation.</summary>
    /// <param name="answer">End with what begins an answer of the assistant.</param>
    /// <param name="clock">Templates may write today's date; the local time when not given.</param>
    /// <exception cref="NotSupportedException">The template refuses these messages; the message holds its reason.</exception>
    /// <exception cref="InvalidDataException">The template asks for something that these messages do not have.</exception>
    public string Render(IEnumerable<ChatMessage> messages, bool answer = true, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        Dictionary<string, object?> values = new()
        {
            ["messages"] = new Sequence([.. messages.Select(m => new Map { ["role"] = m.Role, ["content"] = m.Content })]),
            ["add_generation_prompt"] = answer,
            ["tools"] = null,
            ["documents"] = null,
        };
        foreach (var (role, text) in _specialTokens) values[role] = text;
        return _template.Render(values, (clock ?? TimeProvider.System).GetLocalNow().DateTime);
    }

    /// <summary>The ids of a conversation; the template alone says which special tokens there are.</summary>
    /// <param name="parseSpecialTokens">
    /// Special tokens written out in messages become their ids too. Otherwise only those of the template and of the assistant's
    /// turns do, so that nobody can end a turn or speak for another from within a message.
    /// </param>
    /// <inheritdoc cref="Render"/>
    public int[] Encode(Tokenizer tokenizer, IReadOnlyCollection<ChatMessage> messages, bool answer = true,
        bool parseSpecialTokens = false, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        if (parseSpecialTokens) return tokenizer.EncodeTemplate(Render(messages, answer, clock));

        char mark = SpecialTokenShield.FreeMark(messages.Select(m => m.Content));
        var shielded = messages.Select(m => m.Role == "assistant" ? m : m with { Content = tokenizer.Shield(m.Content, mark) });
        return tokenizer.EncodeTemplate(Render(shielded, answer, clock), mark);
    }

    /// <summary>The first special token that the template puts behind an answer; null when it puts none.</summary>
    public int? EndOfTurn(Tokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        const string Answer = "the answer in question";
        string text = Render([ChatMessage.User("a"), ChatMessage.Assistant(Answer)], answer: false);
        int end = text.LastIndexOf(Answer, StringComparison.Ordinal);
        if (end < 0) return null;
        foreach (int id in tokenizer.EncodeTemplate(text[(end + Answer.Length)..]))
            if (tokenizer.IsSpecial(id)) return id;
        return null;
    }
}
