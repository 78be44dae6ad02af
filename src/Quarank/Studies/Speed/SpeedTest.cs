using Quarank.Models;

namespace Quarank.Studies.Speed;

/// <summary>What is timed: reading a prompt at once (pp), or generating token by token from an empty cache (tg); the names are llama-bench's.</summary>
/// <param name="Generates">Token by token.</param>
public sealed record SpeedTest(bool Generates, int Tokens)
{
    public string Name => FormattableString.Invariant($"{(Generates ? "tg" : "pp")}{Tokens}");
}

/// <summary>What to measure, and how often.</summary>
/// <param name="Prompts">Lengths of prompts.</param>
/// <param name="Generations">Numbers of tokens to generate.</param>
/// <param name="Repetitions">Rounds; each test of each model once in every round, so that all see the same moods of the machine.</param>
public sealed record SpeedRequest(IReadOnlyList<int> Prompts, IReadOnlyList<int> Generations, int Repetitions)
{
    /// <summary>In which numbers the models run.</summary>
    public InferenceSettings Settings { get; init; } = InferenceSettings.Fast;

    public IReadOnlyList<SpeedTest> Tests => [.. Prompts.Select(n => new SpeedTest(false, n)), .. Generations.Select(n => new SpeedTest(true, n))];
}

/// <summary>How far a measurement is, 0 … 1, and at what.</summary>
public sealed record SpeedProgress(double Fraction, string Detail);
