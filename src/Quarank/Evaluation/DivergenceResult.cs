namespace Quarank.Evaluation;

/// <summary>How far a model's next-token distributions lie from another's, the dense model's, on one text.</summary>
/// <param name="Model">Perplexity of the model.</param>
/// <param name="Dense">Perplexity of the dense one, on the same tokens.</param>
/// <param name="LossDifference">
/// Mean over tokens of the model's loss minus the dense one's, in nats: the mean of ln p − ln q of the right token.
/// </param>
/// <param name="LossDifferenceError">
/// Its standard error, s / √tokens of the differences token by token. It is far smaller than that of either loss, since both
/// models find the same tokens hard.
/// </param>
/// <param name="KlMean">Mean over tokens of KL(dense ‖ model) = Σ p (ln p − ln q), in nats; from saved logits a lower bound of it.</param>
/// <param name="KlMeanError">Its standard error.</param>
/// <param name="Spread">Percentiles of the tokens' KL.</param>
/// <param name="TopAgreement">Share of tokens at which the likeliest token is the same; of equals the first counts.</param>
/// <param name="TopAgreementError">Its standard error, √(share (1 − share) / (tokens − 1)).</param>
/// <param name="TopFiveAgreement">How many of the dense model's five likeliest tokens are among the model's five, as a mean share.</param>
/// <param name="TopFiveAgreementError">Its standard error.</param>
public sealed record DivergenceResult(
    PerplexityResult Model, PerplexityResult Dense, double LossDifference, double LossDifferenceError, double KlMean,
    double KlMeanError, KlSpread Spread, double TopAgreement, double TopAgreementError, double TopFiveAgreement,
    double TopFiveAgreementError)
{
    /// <summary>99th percentile of the tokens' KL, interpolated between neighbours.</summary>
    public double Kl99 => Spread.P99.Value;
}
