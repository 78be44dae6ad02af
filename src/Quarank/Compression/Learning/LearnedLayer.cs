using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Learning;

/// <summary>A matrix of a block (a weight, or a vector as one row) while it is learned.</summary>
internal abstract class LearnedPart
{
    /// <summary>All that is learned of it: what a run that goes on needs, beside the same beginning.</summary>
    public abstract IEnumerable<LearnedNumbers> Numbers { get; }

    /// <summary>The matrix as the block is to run with it in the next step.</summary>
    /// <param name="weight">Filled.</param>
    public abstract void Decode(Matrix<float> weight);

    /// <summary>The matrix as it would be stored now.</summary>
    /// <param name="weight">Filled.</param>
    public virtual void DecodeStored(Matrix<float> weight) => Decode(weight);

    /// <summary>Moves what is learned.</summary>
    /// <param name="gradient">The loss by what the last <see cref="Decode"/> gave; spent afterwards.</param>
    public abstract void Move(Matrix<float> gradient, AdamStep step);
}

/// <summary>A layer while it is learned.</summary>
internal abstract class LearnedLayer : LearnedPart
{
    /// <summary>What is stored.</summary>
    public abstract Linear ToLinear();
}
