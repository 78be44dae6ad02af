using Quarank.Compression;

namespace Quarank.Studies.Paper;

/// <summary>A method that a study tries, with a name that says where it stands in the paper's table.</summary>
/// <param name="Weights">How calibration tokens count; the paper counts them all as they are.</param>
public sealed record StudyVariant(string Name, Method Method, TokenWeights Weights = TokenWeights.None);

/// <summary>One variant, measured.</summary>
/// <param name="Refusal">Why it could not be tried on this model; null when it was, and then all else is there.</param>
/// <param name="RankFraction">ρ of min(rows, columns), for low-rank methods.</param>
/// <param name="BitsPerWeight">Every stored bit of the compressed layers, by their weights.</param>
/// <param name="FileBytes">All weight files.</param>
/// <param name="MeanError">Mean over layers of ‖(W − Ŵ)X‖² / ‖WX‖², from the packed codes, H undamped.</param>
/// <param name="WorstError">The largest of them, in <paramref name="WorstLayer"/>.</param>
/// <param name="Scores">A line for each text.</param>
/// <param name="Seconds">Spent by the method on all layers.</param>
public sealed record StudyRow(
    string Name, Method Method, TokenWeights Weights, string? Refusal = null, double? RankFraction = null, double BitsPerWeight = 0, long FileBytes = 0,
    double MeanError = 0, double WorstError = 0, string WorstLayer = "", IReadOnlyList<StudyScore>? Scores = null, double Seconds = 0)
{
    /// <summary>The perplexity on each text, in their order.</summary>
    internal IEnumerable<double> Perplexities => (Scores ?? []).Select(s => s.Perplexity);
}

/// <summary>How a compressed model foretells a text.</summary>
/// <param name="StandardError">Of the perplexity; it takes tokens as independent.</param>
public sealed record StudyScore(string Text, double Perplexity, double StandardError);
