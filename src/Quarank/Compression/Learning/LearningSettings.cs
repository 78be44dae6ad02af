using System.Text.Json.Serialization;

namespace Quarank.Compression.Learning;

/// <summary>How much each token's error counts where a block is learned.</summary>
public enum LossWeights
{
    /// <summary>‖ŷ − y‖² as it is. A few tokens of very large norm (attention sinks) may have most of it.</summary>
    None,

    /// <summary>‖ŷ − y‖² / ‖y‖²: what the norm before the next layers makes of it.</summary>
    Unit,
}

/// <summary>How learned methods learn: Adam with a rate that falls along a cosine to nothing.</summary>
/// <param name="Steps">Steps for every block (the papers' 5,000 take hours on a processor).</param>
/// <param name="Batch">Sequences in a step.</param>
/// <param name="Rate">The first step's size; null for the method's own.</param>
/// <param name="HeldOut">Calibration sequences that are not learned from but measured on; null for every eighth.</param>
public sealed record LearningSettings(int Steps = 200, int Batch = 2, double? Rate = null, int? HeldOut = null)
{
    /// <summary>How much the tokens' errors count.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public LossWeights LossWeights { get; init; }

    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    public void Validate()
    {
        if (Steps < 0) throw new ArgumentException($"Learning takes 0 or more steps, not {Steps}.");
        if (Batch < 1) throw new ArgumentException($"A batch has at least one sequence, not {Batch}.");
        if (Rate is { } rate && !(rate > 0 && double.IsFinite(rate))) throw new ArgumentException($"The learning rate is a positive number, not {rate}.");
        if (HeldOut < 0) throw new ArgumentException($"Held out are 0 or more sequences, not {HeldOut}.");
    }

    /// <summary>How many of so many sequences are held out; at least one remains to learn from.</summary>
    public int HeldOutOf(int sequences) => Math.Min(HeldOut ?? sequences / 8, sequences - 1);
}
