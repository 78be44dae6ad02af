using Quarank.Models;
using Xunit;

namespace Quarank.Tests.Models;

internal static class Greedy
{
    /// <summary>
    /// The likeliest tokens are the expected ones, until two logits lie so close that the other program's rounding may choose
    /// otherwise; from there on the texts need not agree.
    /// </summary>
    public static void AssertContinues(Model model, ReadOnlySpan<int> prompt, ReadOnlySpan<int> expected, float closeness = 1e-3f)
    {
        var session = model.NewSession();
        var logits = session.Append(prompt);
        var sampler = new Sampler();
        foreach (int id in expected)
        {
            int found = sampler.Next(logits);
            if (found != id)
            {
                Assert.InRange(logits[found] - logits[id], 0, closeness);
                return;
            }
            logits = session.Step(id);
        }
    }

    /// <summary>ln Σ exp(logits), in double.</summary>
    public static double LogSumExp(ReadOnlySpan<float> logits)
    {
        double greatest = float.NegativeInfinity, sum = 0;
        foreach (float v in logits) greatest = Math.Max(greatest, v);
        foreach (float v in logits) sum += Math.Exp(v - greatest);
        return greatest + Math.Log(sum);
    }
}
