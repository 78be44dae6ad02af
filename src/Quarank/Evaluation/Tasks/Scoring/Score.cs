namespace Quarank.Evaluation.Tasks.Scoring;

/// <summary>How likely a continuation is.</summary>
/// <param name="LogLikelihood">Σ ln p(token | all before it) over its tokens.</param>
/// <param name="IsGreedy">Whether each of its tokens is the likeliest; of equals the first counts.</param>
public readonly record struct Score(double LogLikelihood, bool IsGreedy)
{
    /// <summary>The score of a text in several pieces.</summary>
    public static Score operator +(Score a, Score b) => new(a.LogLikelihood + b.LogLikelihood, a.IsGreedy && b.IsGreedy);
}
