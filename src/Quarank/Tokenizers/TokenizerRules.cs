namespace Quarank.Tokenizers;

/// <summary>Which of two sayings counts for how a text is cut, when tokenizer.json and the class named beside it disagree.</summary>
public enum TokenizerRules
{
    /// <summary>What tokenizer.json says, as the tokenizers library and transformers up to 4 read it.</summary>
    File,

    /// <summary>
    /// What the <c>tokenizer_class</c> of tokenizer_config.json does with the vocabulary and merges of that file: transformers 5 builds classes with a
    /// constructor of their own so, and does not look at the file's normalizer, pre_tokenizer and decoder.
    /// </summary>
    Class,
}
