using System.Security.Cryptography;
using System.Text;

namespace Quarank.Tokenizers;

/// <summary>
/// Text ↔ ids of a language model: tokenizer.json (byte pair encoding, byte-level or in SentencePiece's style), SentencePiece's
/// tokenizer.model, or GPT-2's vocab.json with merges.txt. Safe to use from many threads.
/// </summary>
/// <remarks>
/// Special tokens written out in the text become their ids, except with tokenizer.model, as in the reference libraries.
/// A lone surrogate, which is no Unicode text, counts as U+FFFD.
/// </remarks>
public sealed class Tokenizer
{
    private readonly TokenizerParts _parts;
    private readonly AddedTokenMatcher _raw;
    private readonly AddedTokenMatcher _inTemplates;
    private readonly AddedTokenMatcher _normalized;
    private readonly HashSet<int> _special;
    private readonly SpecialTokenShield _shield;

    // A token sought in normalized text is decoded from what was sought: "▁</s>" gives its space back.
    private readonly Dictionary<int, string> _decoded;

    internal Tokenizer(TokenizerParts parts)
    {
        _parts = parts;
        _raw = new(parts.AddedTokens.Where(t => !t.Normalized).Select(t => (t.Content, t)));
        _inTemplates = parts.TemplateTokens.Count == 0 ? _raw
            : new(parts.AddedTokens.Where(t => !t.Normalized).Concat(parts.TemplateTokens).Select(t => (t.Content, t)));
        _normalized = new(parts.AddedTokens.Where(t => t.Normalized).Select(t => (parts.Normalizer.Apply(t.Content), t)));
        _decoded = parts.AddedTokens.Where(t => t.Normalized).DistinctBy(t => t.Id)
            .ToDictionary(t => t.Id, t => parts.Normalizer.Apply(t.Content));
        _shield = new([.. parts.AddedTokens, .. parts.TemplateTokens]);
        _special = [.. parts.AddedTokens.Where(t => t.Special).Select(t => t.Id), .. parts.SpecialIds];
    }

    /// <summary>One more than the largest id.</summary>
    public int VocabularySize => _parts.Vocabulary.Count;

    /// <summary>The id of the token that starts a text, where the files name it.</summary>
    public int? BeginningOfText => _parts.BeginningOfText;

    /// <summary>The id of the token that ends a text, where the files name it.</summary>
    public int? EndOfText => _parts.EndOfText;

    /// <summary>The class whose rules stand in the place of tokenizer.json's (<see cref="TokenizerRules.Class"/>); null when the file's own count.</summary>
    public string? ClassRules => _parts.ClassRules;

    /// <summary>
    /// Reads a tokenizer from a file or from a folder (tokenizer.json, else tokenizer.model, else vocab.json and merges.txt),
    /// with what tokenizer_config.json beside it says. Each file may be gzip with .gz after its name.
    /// </summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="rules">Whether texts are cut as tokenizer.json says, or as the class named beside it does in transformers 5.</param>
    /// <exception cref="FileNotFoundException">There is no such file, or the folder has none of these.</exception>
    /// <exception cref="InvalidDataException">A file is damaged; the message names it and the place.</exception>
    /// <exception cref="NotSupportedException">A file asks for something not supported; the message names it and what
    /// is.</exception>
    public static Tokenizer Load(string path, TokenizerRules rules = TokenizerRules.File) => new(TokenizerLoader.Load(path, rules));

    /// <summary>
    /// The ids of a text, with the special tokens that the tokenizer puts around a text unless they are declined.
    /// </summary>
    public int[] Encode(string text, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>(text.Length / 3 + 4);
        if (addSpecialTokens) ids.AddRange(_parts.PostProcessor.Before);
        EncodeText(Unicode.WithoutLoneSurrogates(text), _raw, null, ids);
        if (addSpecialTokens) ids.AddRange(_parts.PostProcessor.After);
        return [.. ids];
    }

    /// <summary>As <see cref="Encode"/>, with the special tokens before a text and without those after it: the beginning of a longer text.</summary>
    internal int[] EncodeFromStart(string text) => [.. _parts.PostProcessor.Before, .. Encode(text, addSpecialTokens: false)];

    /// <summary>The text of ids; bytes that are no UTF-8 become U+FFFD.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is not one of this vocabulary.</exception>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = false)
    {
        var decoder = new IncrementalDecoder(this, skipSpecialTokens);
        var text = new StringBuilder();
        foreach (int id in ids) text.Append(decoder.Append(id));
        return text.Append(decoder.Finish()).ToString();
    }

    /// <summary>A decoder that takes ids one by one and gives the text as it becomes complete.</summary>
    public IncrementalDecoder StartDecoding(bool skipSpecialTokens = false) => new(this, skipSpecialTokens);

    /// <summary>A piece as the vocabulary spells it ("Ġthe", "▁the", "&lt;0x0A&gt;").</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is not one of this vocabulary.</exception>
    public string Piece(int id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        return _parts.Vocabulary.Piece(id)
            ?? throw new ArgumentOutOfRangeException(
                nameof(id), id, $"{_parts.Vocabulary.File} has no piece of this id; its largest is {VocabularySize - 1}.");
    }

    /// <summary>The id of a piece, spelled as the vocabulary spells it; null when there is none.</summary>
    public int? TokenId(string piece) => _parts.Vocabulary.TryFind(piece, out int id) ? id : null;

    /// <summary>SHA-256 over all pieces by their ids, in hexadecimal digits.</summary>
    internal string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int id = 0; id < VocabularySize; id++)
            if (_parts.Vocabulary.Piece(id) is { } piece) hash.AppendData(Encoding.UTF8.GetBytes($"{id} {piece}\0"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Whether an id is a special token, one that stands for no text.</summary>
    public bool IsSpecial(int id) => _special.Contains(id);

    internal DecoderStage StartStages(TextStage end) => _parts.Decoder(end);

    internal string DecodedPiece(int id) => _decoded.TryGetValue(id, out string? piece) ? piece : Piece(id);

    /// <summary>The text with special tokens in it marked, so that <see cref="EncodeTemplate"/> takes them as text.</summary>
    internal string Shield(string text, char mark) => _shield.Apply(text, mark);

    /// <summary>
    /// The ids of a text that a template wrote: no special tokens around it, but all that it names, except those that have the mark of
    /// <see cref="Shield"/>.
    /// </summary>
    internal int[] EncodeTemplate(string text, char? mark = null)
    {
        var ids = new List<int>(text.Length / 3 + 4);
        EncodeText(Unicode.WithoutLoneSurrogates(text), _inTemplates, mark, ids);
        return [.. ids];
    }

    private void EncodeText(string text, AddedTokenMatcher added, char? mark, List<int> ids)
    {
        foreach (var (token, range) in added.Split(text))
        {
            if (token is not null) ids.Add(token.Id);
            else EncodeNormalized(_parts.Normalizer.Apply(text[range]), range.Start.Value == 0, mark, ids);
        }
    }

    private void EncodeNormalized(string text, bool first, char? mark, List<int> ids)
    {
        foreach (var (token, range) in _normalized.Split(text))
        {
            if (token is not null)
            {
                ids.Add(token.Id);
                continue;
            }
            string part = text[range];
            if (mark is { } m) part = part.Replace(m.ToString(), "", StringComparison.Ordinal);
            _parts.PreTokenizer.Encode(part, first && range.Start.Value == 0, _parts.Encoder, ids);
        }
    }
}
