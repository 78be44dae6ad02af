using Quarank.Numerics;

namespace Quarank.Compression;

/// <summary>The layers of one block, to be replaced together so that what the block gives stays near what it should give.</summary>
/// <param name="layers">In the order in which they run.</param>
public abstract class BlockProblem(IReadOnlyList<LayerProblem> layers)
{
    public IReadOnlyList<LayerProblem> Layers => layers;

    /// <summary>How many sequences may be learned from: 0 … Samples − 1.</summary>
    public abstract int Samples { get; }

    /// <summary>How many more are kept apart, to see whether what was learned holds for them too.</summary>
    public abstract int HeldOut { get; }

    /// <summary>Ŵ of each layer, Rows × Columns, as the block is to run with it: written by whoever learns.</summary>
    public abstract IReadOnlyList<Matrix<float>> Weights { get; }

    /// <summary>The gradient of the loss by each Ŵ after <see cref="Learn"/>; may be overwritten.</summary>
    public abstract IReadOnlyList<Matrix<float>> Gradients { get; }

    /// <summary>Fills <see cref="Gradients"/> of the loss Σ over tokens of the squared error, averaged over the batch and the features.</summary>
    /// <param name="batch">Sequences.</param>
    /// <returns>Σ ‖ŷ − y‖² / Σ ‖y‖² of the batch, in 64 bits.</returns>
    public abstract double Learn(ReadOnlySpan<int> batch);

    /// <summary>Σ ‖ŷ − y‖² / Σ ‖y‖² over all sequences that are learned from, or all that are held out; NaN where there are none.</summary>
    public abstract double ErrorOf(bool heldOut);
}
