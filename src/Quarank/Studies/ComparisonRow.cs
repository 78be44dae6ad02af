using System.Text.Json.Serialization;
using Quarank.Pipeline;

namespace Quarank.Studies;

/// <summary>What became of a recipe at a size.</summary>
public enum RowState
{
    /// <summary>All its figures are there.</summary>
    Measured,

    /// <summary>It has no setting near the size.</summary>
    Unreachable,

    /// <summary>It came to grief; the same command tries again.</summary>
    Failed,

    /// <summary>Not in the pieces that were asked for, nor measured before.</summary>
    Waiting,
}

/// <summary>One recipe at one size.</summary>
/// <param name="Name">The recipe as it was asked for: a file's name without its ending, or a shorthand.</param>
/// <param name="Method">What was done, in words, with the knobs that the size decided: "gptq, 3 bits, rows, clip".</param>
/// <param name="TargetBitsPerWeight">The size asked for, over the linear layers.</param>
/// <param name="TargetBytes">The size asked for, of the weight files.</param>
/// <param name="Reason">Why it is unreachable, failed or waits; null when it was measured.</param>
/// <param name="Measures">Null unless it was measured.</param>
/// <param name="Recipe">With every default and every knob written out; as asked for, when unreachable.</param>
public sealed record ComparisonRow(
    string Name, string Method, double TargetBitsPerWeight, long TargetBytes, RowState State, string? Reason, ComparisonMeasures? Measures, Recipe Recipe)
{
    /// <summary>What the compressed blocks were fitted to.</summary>
    public Propagation Propagate => Recipe.Propagate;

    /// <summary>Why there are no figures, in words; empty when there are.</summary>
    [JsonIgnore]
    public string Remark => State switch
    {
        RowState.Measured => "",
        RowState.Unreachable => $"not at this size: {Reason}",
        RowState.Failed => $"failed: {Reason}",
        _ => $"not measured yet: {Reason}",
    };
}

/// <summary>What came out.</summary>
/// <param name="FileBytes">All weight files, headers counted.</param>
/// <param name="MissPercent">(FileBytes − TargetBytes) / TargetBytes in percent; positive is too large.</param>
/// <param name="BitsPerWeight">Every stored bit of the compressed layers, by their weights.</param>
/// <param name="Texts">In the order of the comparison's texts.</param>
/// <param name="Tasks">In the order of the comparison's tasks.</param>
/// <param name="RelativeErrorMean">Mean over layers of tr(D H Dᵀ) / tr(W H Wᵀ), from the packed codes, H undamped.</param>
/// <param name="RelativeErrorWorst">The largest of them, in <paramref name="WorstLayer"/>.</param>
/// <param name="SecondsCompress">Spent by the method on all layers, wall clock; observing inputs is not in it.</param>
/// <param name="SecondsRun">The whole run: observing, compressing, propagating, writing; shared statistics cost the first run.</param>
/// <param name="TokensPerSecond">Generated one after another, in the numbers that generation takes; a short look, as busy as the machine was.</param>
/// <param name="PeakMemoryBytes">Largest resident size while compressing; null where it cannot be measured.</param>
/// <param name="Layers">In the order of the model.</param>
public sealed record ComparisonMeasures(
    long FileBytes, double MissPercent, double BitsPerWeight, IReadOnlyList<TextMeasures> Texts, IReadOnlyList<TaskMeasures> Tasks,
    double RelativeErrorMean, double RelativeErrorWorst, string WorstLayer, double SecondsCompress, double SecondsRun, double TokensPerSecond,
    long? PeakMemoryBytes, IReadOnlyList<LayerMeasure> Layers)
{
    /// <summary>Measuring the model on texts and tasks.</summary>
    public double SecondsEvaluate => Texts.Sum(t => t.Seconds) + Tasks.DistinctBy(t => t.Task).Sum(t => t.Seconds);

    /// <summary>Layers that plain rounding of no more bytes does better.</summary>
    public int WorseThanRounding => Layers.Count(l => l.PlainRounding is not null);

    /// <summary>Layers in which plain rounding stands in the method's place.</summary>
    public int Replaced => Layers.Count(l => l.Replaced);
}

/// <summary>A model on a text. Divergences compare next-token distributions with the dense model's, at every token foretold.</summary>
/// <param name="Perplexity">exp of the mean loss.</param>
/// <param name="StandardError">Of the perplexity, by the delta method; it takes tokens as independent.</param>
/// <param name="LossDifference">Mean over tokens of this model's loss minus the dense model's, in nats.</param>
/// <param name="LossDifferenceError">
/// Standard error of that, from the differences token by token: far smaller than that of either loss, since both models find the
/// same tokens hard.
/// </param>
/// <param name="KlMean">Mean of KL(dense ‖ compressed), in nats.</param>
/// <param name="KlMeanError">Its standard error.</param>
/// <param name="Kl99">99th percentile of the tokens' KL.</param>
/// <param name="TopAgreement">Share of tokens, 0 … 1, at which both models' likeliest next token is the same.</param>
/// <param name="Seconds">It took to measure.</param>
public sealed record TextMeasures(
    double Perplexity, double StandardError, double LossDifference, double LossDifferenceError, double KlMean, double KlMeanError, double Kl99,
    double TopAgreement, double Seconds);

/// <summary>A model's answers to a task.</summary>
/// <param name="Task">As the harness calls it.</param>
/// <param name="Metric">acc, acc_norm, ...</param>
/// <param name="Error">Standard error of the value; null where there is none.</param>
/// <param name="Difference">Of a metric that is a mean over questions: this model's less the dense model's.</param>
/// <param name="DifferenceError">Its standard error, from the differences question by question.</param>
/// <param name="Seconds">The task took.</param>
public sealed record TaskMeasures(string Task, string Metric, double Value, double? Error, double? Difference, double? DifferenceError, double Seconds);

/// <summary>One layer of one compressed model.</summary>
/// <param name="Kind">The last part of the name: q_proj.</param>
/// <param name="Form">How it is stored, in words.</param>
/// <param name="Rank">Components of a low-rank form; null for others.</param>
/// <param name="Sink">Largest norm of an input token, divided by the median norm.</param>
public sealed record LayerMeasure(
    string Name, string Kind, int Block, int Rows, int Columns, string Form, int? Rank, double BitsPerWeight,
    double RelativeError, double Sink, double Seconds)
{
    /// <summary>The relative error of plain rounding of no more bytes, where that is less than the method's.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? PlainRounding { get; init; }

    /// <summary>Whether plain rounding stands in the method's place.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Replaced { get; init; }
}
