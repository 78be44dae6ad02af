using System.Globalization;
using System.Text.Json;

namespace Quarank.Tokenizers;

/// <summary>
/// What tokenizer_config.json and special_tokens_map.json beside a tokenizer say: its special tokens and which are added.
/// </summary>
internal sealed class TokenizerConfig
{
    private static readonly string[] Roles = ["bos_token", "eos_token", "unk_token", "pad_token"];

    private readonly Dictionary<string, string> _tokens = [];

    private TokenizerConfig() { }

    /// <summary>Whether a text gets the first token; null when the files do not say.</summary>
    public bool? AddBeginning { get; private init; }

    /// <summary>Whether a text gets the last token; null when the files do not say.</summary>
    public bool? AddEnd { get; private init; }

    /// <summary>The class that transformers would load; null when the files do not say.</summary>
    public string? Class { get; private init; }

    /// <summary>Whether words at the start of a text are those after a space; null when the files do not say.</summary>
    public bool? AddPrefixSpace { get; private init; }

    /// <summary>Whether tokens behind special ones are found as if they began a text (LlamaTokenizer); null when the files do not say.</summary>
    public bool? Legacy { get; private init; }

    /// <summary>Tokens found in text before anything else (added_tokens_decoder, else added_tokens.json).</summary>
    public IReadOnlyList<AddedToken> AddedTokens { get; private set; } = [];

    /// <summary>The texts of the special tokens by role, as bos_token.</summary>
    public IReadOnlyDictionary<string, string> Tokens => _tokens;

    public static TokenizerConfig Read(string folder)
    {
        var config = Part(folder, "tokenizer_config.json");
        var result = new TokenizerConfig
        {
            AddBeginning = Flag(config, "add_bos_token"),
            AddEnd = Flag(config, "add_eos_token"),
            AddPrefixSpace = Flag(config, "add_prefix_space"),
            Legacy = Flag(config, "legacy"),
            Class = config?["tokenizer_class"] is { Exists: true } name ? name.Text() : null,
        };
        foreach (var part in (JsonPart?[])[Part(folder, "special_tokens_map.json"), config])
            foreach (string role in Roles)
                if (part is { } p && p[role] is { Exists: true } token)
                    result._tokens[role] = (token.Element.ValueKind == JsonValueKind.String ? token : token["content"]).Text();
        result.AddedTokens = config?["added_tokens_decoder"] is { Exists: true } tokens
            ? [.. tokens.Members().Select(m => ReadAdded(m.Name, m.Value))]
            : Part(folder, "added_tokens.json") is { } older ? result.ReadOlder(older, config) : [];
        return result;
    }

    /// <summary>The id of the token of a role, when it is named and in the vocabulary.</summary>
    public int? Id(string role, Vocabulary vocabulary) =>
        _tokens.TryGetValue(role, out string? text) && vocabulary.TryFind(text, out int id) ? id : null;

    /// <summary>What a tokenizer puts around texts, where these files say otherwise: a plain answer here counts.</summary>
    public PostProcessor Adjust(PostProcessor processor, int? beginning, int? end)
    {
        var (before, after) = processor;
        if (beginning is { } b && AddBeginning is { } addBeginning && before.Contains(b) != addBeginning)
            before = addBeginning ? [b, .. before] : [.. before.Where(id => id != b)];
        if (end is { } e && AddEnd is { } addEnd && after.Contains(e) != addEnd)
            after = addEnd ? [.. after, e] : [.. after.Where(id => id != e)];
        return new(before, after);
    }

    // {"<mask>": 32000}: which of them are special the lists of special tokens say.
    private IReadOnlyList<AddedToken> ReadOlder(JsonPart tokens, JsonPart? config)
    {
        HashSet<string> special = [.. _tokens.Values];
        if (config?["additional_special_tokens"] is { Exists: true } more)
            special.UnionWith(more.Items().Select(t => (t.Element.ValueKind == JsonValueKind.String ? t : t["content"]).Text()));
        return [.. tokens.Members().Select(m => new AddedToken(m.Name, m.Value.Integer(), special.Contains(m.Name)))];
    }

    private static AddedToken ReadAdded(string id, JsonPart token) => new(
        token["content"].Text(),
        int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : throw token.Wrong($"an id as its name, not '{id}'"),
        token["special"].Flag(whenAbsent: false),
        token["single_word"].Flag(whenAbsent: false),
        token["lstrip"].Flag(whenAbsent: false),
        token["rstrip"].Flag(whenAbsent: false),
        token["normalized"].Flag(whenAbsent: false));

    private static JsonPart? Part(string folder, string name) =>
        TokenizerFiles.Find(folder, name) is { } path ? JsonPart.Parse(path) : null;

    private static bool? Flag(JsonPart? part, string name) => part?[name] is { Exists: true } flag ? flag.Flag() : null;
}
