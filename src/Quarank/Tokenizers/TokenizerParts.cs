namespace Quarank.Tokenizers;

/// <summary>What a tokenizer is made of, in the order in which text passes through it.</summary>
internal sealed record TokenizerParts
{
    public required Vocabulary Vocabulary { get; init; }
    public IReadOnlyList<AddedToken> AddedTokens { get; init; } = [];

    /// <summary>Special tokens that are not sought in text.</summary>
    public IReadOnlyCollection<int> SpecialIds { get; init; } = [];

    /// <summary>Tokens sought only where a chat template writes them: those that a plain text cannot name.</summary>
    public IReadOnlyList<AddedToken> TemplateTokens { get; init; } = [];

    public Normalizer Normalizer { get; init; } = Normalizer.None;
    public PreTokenizer PreTokenizer { get; init; } = PreTokenizer.None;
    public required BytePairEncoder Encoder { get; init; }
    public PostProcessor PostProcessor { get; init; } = PostProcessor.None;

    /// <summary>Makes the first step of a new decoding that ends in the given one.</summary>
    public required Func<TextStage, DecoderStage> Decoder { get; init; }

    public int? BeginningOfText { get; init; }
    public int? EndOfText { get; init; }

    /// <summary>The class whose rules stand in the place of tokenizer.json's; null when that file's own count.</summary>
    public string? ClassRules { get; init; }
}
