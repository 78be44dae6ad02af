using Quarank.Checkpoints;
using Quarank.Evaluation;

namespace Quarank.Cli.Commands;

/// <summary>A model's next-token distributions beside those of the dense model; see <see cref="DivergenceResult"/>.</summary>
internal sealed record MeasuredAgainst(
    string Model, double Perplexity, double StandardError, double LossDifference, double LossDifferenceError, double KlMean, double KlMeanError,
    double Kl99, double TopAgreement)
{
    /// <summary>Runs both models, segment by segment; the measured model's own perplexity comes from the same pass.</summary>
    public static (PerplexityResult Own, MeasuredAgainst Against) Of(
        Models.Model model, string against, int[] ids, int length, int? segments, IProgress<EvaluationProgress> progress)
    {
        using var checkpoint = Checkpoint.Open(against);
        var dense = Models.Model.Load(checkpoint);
        if (length > dense.Spec.ContextLength)
            throw new InvalidDataException(FormattableString.Invariant(
                $"{against}: segments of {length:N0} tokens are longer than the {dense.Spec.ContextLength:N0} positions of this model; give a smaller --length."));
        var d = Divergence.OfSegments(Predictor.Of(dense, ids, length), Predictor.Of(model, ids, length), ids, length, segments, progress);
        return (d.Model, new(against, d.Dense.Perplexity, d.Dense.StandardError, d.LossDifference, d.LossDifferenceError, d.KlMean, d.KlMeanError, d.Kl99,
            d.TopAgreement));
    }
}
