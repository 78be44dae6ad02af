namespace Quarank.Pipeline;

/// <summary>The parts of a run, in the order they come; the last four are measured, and shown as parts of others.</summary>
public enum RunPhase
{
    /// <summary>Texts become tokens.</summary>
    Calibrate,

    /// <summary>Hidden states of blocks that an earlier attempt finished are computed again.</summary>
    Resume,

    /// <summary>A block runs on the calibration sequences and its inputs are gathered.</summary>
    Observe,

    /// <summary>The block's layers are compressed.</summary>
    Compress,

    /// <summary>The block runs again as it is stored.</summary>
    Forward,

    /// <summary>The new model is put together.</summary>
    Write,

    /// <summary>A block's weights are read and decoded.</summary>
    Read,

    /// <summary>What the sites of a block read is summed up to Gram matrices.</summary>
    Gram,

    /// <summary>The error of compressed layers is measured.</summary>
    Loss,

    /// <summary>A finished block and the states behind it are put on the disk.</summary>
    Store,
}

/// <summary>Where a run stands. The library prints nothing; whoever shows this adds the clock.</summary>
/// <param name="Block">The block at work, counted from 0.</param>
/// <param name="Blocks">How many blocks the model has.</param>
/// <param name="Layer">The layer just finished, in <see cref="RunPhase.Compress"/>.</param>
/// <param name="Fraction">How much of the phase is done in this block, 0 … 1.</param>
/// <param name="Total">How much of all blocks' work is done, 0 … 1: what an ETA divides by.</param>
/// <param name="Finished">A layer's line of the report, when one has just been finished.</param>
public readonly record struct RunProgress(
    RunPhase Phase, int Block, int Blocks, string? Layer, double Fraction, double Total, LayerReport? Finished = null)
{
    /// <summary>The step of learning just taken, where the block is being learned.</summary>
    public LearningProgress? Learning { get; init; }
}

/// <summary>A step of learning a block.</summary>
/// <param name="Step">From 1 on.</param>
/// <param name="Error">Σ ‖ŷ − y‖² / Σ ‖y‖² of what leaves the block: a running mean over the last steps' batches.</param>
/// <param name="FirstError">Of the first step's batch.</param>
public readonly record struct LearningProgress(int Step, int Steps, double Error, double FirstError);
