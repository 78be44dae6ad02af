using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Learning;

/// <summary>A layer while it is learned.</summary>
internal abstract class LearnedLayer
{
    /// <summary>Ŵ as the layer would be stored now.</summary>
    /// <param name="weight">Filled, Rows × Columns.</param>
    public abstract void Decode(Matrix<float> weight);

    /// <summary>Moves what is learned.</summary>
    /// <param name="gradient">The loss by the Ŵ of the last <see cref="Decode"/>; spent afterwards.</param>
    public abstract void Move(Matrix<float> gradient, AdamStep step);

    /// <summary>What is stored.</summary>
    public abstract Linear ToLinear();
}
