using Quarank.Numerics;

namespace Quarank.Models;

/// <summary>What the attention of one block does that another block's may not.</summary>
/// <param name="Window">How many tokens, itself among them, a token sees; null for all before it.</param>
/// <param name="QueryNorm">For each head's queries, before they are rotated; null for none.</param>
/// <param name="KeyNorm">For each head's keys, likewise.</param>
internal sealed record AttentionTraits(int? Window, Norm? QueryNorm, Norm? KeyNorm);

/// <summary>The heads of queries, keys or values: tokens × (at least) heads · headSize, beginning at a column.</summary>
internal readonly record struct HeadRows(Matrix<float> Rows, int Column)
{
    /// <summary>One head's vector of one token.</summary>
    public Span<float> Head(int token, int head, int size) => Rows.Row(token).Slice(Column + head * size, size);
}

/// <summary>New tokens of one sequence on their way through the attention of one block.</summary>
/// <param name="Query">Not yet normalized and rotated.</param>
/// <param name="Key">Not yet normalized and rotated.</param>
/// <param name="Cache">Holds positions 0 … Start − 1.</param>
/// <param name="Start">The position of the first new token.</param>
/// <param name="Length">Of the text that is being read.</param>
/// <param name="Row">Where the tokens begin in the matrices.</param>
/// <param name="Tokens">How many there are.</param>
internal readonly record struct AttentionCall(
    HeadRows Query, HeadRows Key, HeadRows Value, AttentionTraits Traits, KeyValueCache Cache, int Start, int Length, int Row, int Tokens);
