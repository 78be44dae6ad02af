namespace Quarank.Pipeline;

/// <summary>What a run may be told besides its recipe; none of it but a time budget changes the model that comes out.</summary>
public sealed record RunOptions
{
    /// <summary>
    /// Where finished blocks wait for the others; by default the output folder's name with <c>.run</c> behind it.
    /// </summary>
    public string? WorkFolder { get; init; }

    /// <summary>Throw away a run folder that belongs to another recipe, model or text, instead of refusing it.</summary>
    public bool Restart { get; init; }

    /// <summary>
    /// A folder for the Gram matrices of the original model: filled by the first run, read by later ones, which then need no
    /// forward pass. Only with <see cref="Propagation.Original"/>, since otherwise they depend on the method.
    /// </summary>
    public string? Statistics { get; init; }

    /// <summary>
    /// The most memory that the process may take, in bytes. The run takes smaller steps to stay within it, which change no result, and is
    /// refused where the smallest do not.
    /// </summary>
    public long? MaxMemory { get; init; }

    /// <summary>
    /// Ends the run in about this time, by as many steps of learning as it allows instead of those the recipe says. The one option that changes
    /// the model: what was chosen stands in <see cref="CompressionReport.Learned"/>, and a recipe with these steps gives the same model.
    /// </summary>
    public TimeSpan? TimeBudget { get; init; }

    /// <summary>Stop when so many blocks are finished; the same run without this goes on behind them.</summary>
    public int? StopAfter { get; init; }

    /// <summary>Why this recipe, for the report, where it was chosen for its size.</summary>
    public string? Choice { get; init; }

    /// <summary>The tokens that the recipe's calibration stands for, when they have been read already.</summary>
    internal CalibrationSet? Calibration { get; init; }

    /// <summary>How old what is kept of a block that is being learned may grow; a killed run repeats at most this much of its steps.</summary>
    public TimeSpan LearningEvery { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How old the file of hidden states may grow; a killed run repeats at most this much of forward passes.</summary>
    public TimeSpan HiddenStatesEvery { get; init; } = TimeSpan.FromSeconds(60);
}
