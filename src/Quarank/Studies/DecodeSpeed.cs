using System.Diagnostics;
using Quarank.Models;
using Quarank.Studies.Speed;

namespace Quarank.Studies;

/// <summary>How fast a model generates.</summary>
internal sealed record DecodeSpeed(double TokensPerSecond)
{
    private const int Tokens = 16, Rounds = 3;

    /// <summary>The median of a few short rounds, in the numbers that generation takes. The first call of a kernel is not in it.</summary>
    public static DecodeSpeed Of(Model model)
    {
        var exact = model.Settings;
        model.Settings = InferenceSettings.Fast;
        int tokens = Math.Min(Tokens, model.Spec.ContextLength);
        try
        {
            SpeedRounds.Generate(model, 2);
            double[] seconds = [.. Enumerable.Range(0, Rounds).Select(_ =>
            {
                long start = Stopwatch.GetTimestamp();
                SpeedRounds.Generate(model, tokens);
                return Stopwatch.GetElapsedTime(start).TotalSeconds;
            }).Order()];
            return new(tokens / seconds[Rounds / 2]);
        }
        finally
        {
            model.Settings = exact;
        }
    }
}
