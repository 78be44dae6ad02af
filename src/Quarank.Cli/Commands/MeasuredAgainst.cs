using System.Text.Json.Serialization;
using Quarank.Checkpoints;
using Quarank.Evaluation;

namespace Quarank.Cli.Commands;

/// <summary>A model's next-token distributions beside those of the dense model; see <see cref="DivergenceResult"/>.</summary>
/// <param name="Model">The dense model's folder, or the file of its logits.</param>
/// <param name="KlIsLowerBound">The distributions came from a file that has the likeliest tokens only.</param>
internal sealed record MeasuredAgainst(
    string Model, bool KlIsLowerBound, double Perplexity, double StandardError, double LossDifference, double LossDifferenceError, double KlMean, double KlMeanError,
    double KlMedian, double KlMedianError, double Kl90, double Kl90Error, double Kl99, double Kl99Error, double Kl999, double Kl999Error, double KlMaximum,
    double KlMaximumError, double TopAgreement, double TopAgreementError, double TopFiveAgreement, double TopFiveAgreementError)
{
    /// <summary>Hash of the model whose logits were saved.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? SavedModel { get; init; }

    /// <summary>Runs both models, segment by segment; the measured model's own perplexity comes from the same pass.</summary>
    public static (PerplexityResult Own, MeasuredAgainst Against) Of(
        Models.Model model, string against, int[] ids, int length, int? segments, IProgress<EvaluationProgress> progress)
    {
        using var checkpoint = Checkpoint.Open(against);
        var dense = Models.Model.Load(checkpoint);
        if (length > dense.Spec.ContextLength)
            throw new InvalidDataException(FormattableString.Invariant(
                $"{against}: segments of {length:N0} tokens are longer than the {dense.Spec.ContextLength:N0} positions of this model; give a smaller --length."));
        return Of(against, null, Divergence.OfSegments(Predictor.Of(dense, ids, length), Predictor.Of(model, ids, length), ids, length, segments, progress));
    }

    /// <summary>As <see cref="Of(Models.Model, string, int[], int, int?, IProgress{EvaluationProgress})"/>, with the dense model's distributions from a file.</summary>
    public static (PerplexityResult Own, MeasuredAgainst Against) Of(
        Models.Model model, SavedLogits saved, string file, int[] ids, int? segments, IProgress<EvaluationProgress> progress) =>
        Of(file, saved.Header.Model, Divergence.OfSaved(saved, Predictor.Of(model, ids, saved.Header.Length), ids, segments, progress));

    private static (PerplexityResult Own, MeasuredAgainst Against) Of(string against, string? savedModel, DivergenceResult d)
    {
        var s = d.Spread;
        return (d.Model, new(against, savedModel is not null, d.Dense.Perplexity, d.Dense.StandardError, d.LossDifference, d.LossDifferenceError, d.KlMean,
            d.KlMeanError, s.Median.Value, s.Median.Error, s.P90.Value, s.P90.Error, s.P99.Value, s.P99.Error, s.P999.Value, s.P999.Error, s.Maximum.Value,
            s.Maximum.Error, d.TopAgreement, d.TopAgreementError, d.TopFiveAgreement, d.TopFiveAgreementError)
        { SavedModel = savedModel });
    }
}
