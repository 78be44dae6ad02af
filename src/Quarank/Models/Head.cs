using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Models;

/// <summary>The end of a model: a last norm, then one logit for every token of the vocabulary.</summary>
public sealed class Head(RmsNorm norm, Linear table)
{
    public RmsNorm Norm => norm;

    /// <summary>vocabulary × hidden; the embedding's own when tied.</summary>
    public Linear Table => table;

    /// <summary>Logits of one normalized hidden state.</summary>
    public void Logits(ReadOnlySpan<float> normed, Span<float> logits) => table.Apply(normed, logits);

    /// <summary>Logits of normalized hidden states: tokens × vocabulary, so pass few tokens at a time.</summary>
    public Matrix<float> Logits(Matrix<float> normed) => table.Apply(normed);

    /// <summary>As <see cref="Logits(Matrix{float})"/>, into a given tokens × vocabulary.</summary>
    public void Logits(Matrix<float> normed, Matrix<float> logits) => table.Apply(normed, logits);
}
