namespace Quarank.Tokenizers;

/// <summary>What byte pair encodings differ in.</summary>
internal sealed record BytePairOptions
{
    /// <summary>Words start as bytes in GPT-2's spelling, instead of as characters.</summary>
    public bool ByteLevel { get; init; }

    /// <summary>A word that is a piece as a whole is taken without merging (Llama 3).</summary>
    public bool WholeWords { get; init; }

    /// <summary>
    /// A character that is no piece becomes its UTF-8 bytes, written &lt;0x00&gt; to &lt;0xFF&gt;, when all of them are pieces.
    /// </summary>
    public bool ByteFallback { get; init; }

    /// <summary>
    /// The id for what is no piece. Without one, and without byte fallback, such a character leaves no id: so do the reference
    /// libraries, and some vocabularies (SmolLM2) lack bytes that no common text holds.
    /// </summary>
    public int? Unknown { get; init; }

    /// <summary>Neighbouring unknowns become one.</summary>
    public bool FuseUnknown { get; init; }
}
