namespace Quarank.Evaluation.Tasks.Scoring;

/// <summary>Tokens of which the last are scored, each given all before it.</summary>
/// <param name="Tokens">Context and continuation; the model reads all but the last.</param>
/// <param name="Scored">How many of the last are scored, at least one and fewer than all.</param>
internal readonly record struct ScoredSequence(int[] Tokens, int Scored)
{
    /// <summary>What the model reads.</summary>
    public ReadOnlySpan<int> Inputs => Tokens.AsSpan(0, Tokens.Length - 1);

    /// <summary>What it should foretell, from the position before the first scored token on.</summary>
    public ReadOnlySpan<int> Targets => Tokens.AsSpan(Tokens.Length - Scored);
}
