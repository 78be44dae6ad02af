namespace Quarank.Evaluation;

/// <summary>How well a model foretells a text.</summary>
/// <param name="Protocol">How the text was cut; perplexities of different protocols must not be compared.</param>
/// <param name="Perplexity">exp of the mean loss.</param>
/// <param name="StandardError">
/// Of the perplexity, by the delta method: perplexity · s / √Tokens, where s is the standard deviation of the tokens' losses.
/// It takes tokens as independent and says nothing about other texts.
/// </param>
/// <param name="MeanLoss">Mean of −ln p(token | those before it in its segment).</param>
/// <param name="Tokens">How many tokens were foretold.</param>
/// <param name="Segments">How many sequences the model ran on.</param>
public sealed record PerplexityResult(string Protocol, double Perplexity, double StandardError, double MeanLoss, long Tokens, int Segments);

/// <summary>How far an evaluation is.</summary>
/// <param name="Done">Segments done.</param>
/// <param name="Total">Segments in all.</param>
/// <param name="Perplexity">Of the segments done.</param>
public sealed record EvaluationProgress(int Done, int Total, double Perplexity);
