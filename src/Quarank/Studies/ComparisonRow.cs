using Quarank.Pipeline;

namespace Quarank.Studies;

/// <summary>One recipe at one size: either measured, or refused with the reason.</summary>
/// <param name="Name">The recipe as it was asked for: a file's name without its ending, or a shorthand.</param>
/// <param name="Method">What was done, in words, with the knobs that the size decided: "gptq, 3 bits, rows, clip".</param>
/// <param name="TargetBitsPerWeight">The size asked for, over the linear layers.</param>
/// <param name="TargetBytes">The size asked for, of the weight files.</param>
/// <param name="Refusal">Why it could not be brought to that size, or not be measured; null when it was.</param>
/// <param name="Measures">Null when refused.</param>
/// <param name="Recipe">With every default and every knob written out; as asked for, when refused.</param>
public sealed record ComparisonRow(
    string Name, string Method, double TargetBitsPerWeight, long TargetBytes, string? Refusal, ComparisonMeasures? Measures,
    Recipe Recipe)
{
    /// <summary>What the compressed blocks were fitted to.</summary>
    public Propagation Propagate => Recipe.Propagate;
}

/// <summary>What came out. Divergences compare next-token distributions with the dense model's, at every token foretold.</summary>
/// <param name="FileBytes">All weight files, headers counted.</param>
/// <param name="MissPercent">(FileBytes − TargetBytes) / TargetBytes in percent; positive is too large.</param>
/// <param name="BitsPerWeight">Every stored bit of the compressed layers, by their weights.</param>
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
/// <param name="RelativeErrorMean">Mean over layers of tr(D H Dᵀ) / tr(W H Wᵀ), from the packed codes, H undamped.</param>
/// <param name="RelativeErrorWorst">The largest of them, in <paramref name="WorstLayer"/>.</param>
/// <param name="SecondsCompress">Spent by the method on all layers, wall clock; observing inputs is not in it.</param>
/// <param name="SecondsRun">The whole run: observing, compressing, propagating, writing; shared statistics cost the first run.</param>
/// <param name="SecondsEvaluate">Measuring the model on the text.</param>
/// <param name="PeakMemoryBytes">Largest resident size while compressing; null where it cannot be measured.</param>
/// <param name="Layers">In the order of the model.</param>
public sealed record ComparisonMeasures(
    long FileBytes, double MissPercent, double BitsPerWeight, double Perplexity, double StandardError, double LossDifference,
    double LossDifferenceError, double KlMean, double KlMeanError, double Kl99, double TopAgreement, double RelativeErrorMean,
    double RelativeErrorWorst, string WorstLayer, double SecondsCompress, double SecondsRun, double SecondsEvaluate,
    long? PeakMemoryBytes, IReadOnlyList<LayerMeasure> Layers);

/// <summary>One layer of one compressed model.</summary>
/// <param name="Kind">The last part of the name: q_proj.</param>
/// <param name="Form">How it is stored, in words.</param>
/// <param name="Rank">Components of a low-rank form; null for others.</param>
/// <param name="Sink">Largest norm of an input token, divided by the median norm.</param>
public sealed record LayerMeasure(
    string Name, string Kind, int Block, int Rows, int Columns, string Form, int? Rank, double BitsPerWeight,
    double RelativeError, double Sink, double Seconds);
