namespace Quarank.Tokenizers;

/// <summary>A token found in the text as it stands, before any merging.</summary>
/// <param name="Special">Left out of decoded text on demand.</param>
/// <param name="SingleWord">Found only where no letter, digit or mark adjoins it.</param>
/// <param name="LeftStrip">Takes the white space before it along.</param>
/// <param name="RightStrip">Takes the white space after it along.</param>
/// <param name="Normalized">Sought, itself normalized, in normalized text.</param>
internal sealed record AddedToken(
    string Content,
    int Id,
    bool Special,
    bool SingleWord = false,
    bool LeftStrip = false,
    bool RightStrip = false,
    bool Normalized = false);
