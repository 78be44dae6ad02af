using Quarank.Numerics;

namespace Quarank.Evaluation.Tasks;

/// <summary>The standard error of a perplexity of words by resampling, with the harness's numbers of samples, seeds and random generator.</summary>
internal static class Bootstrap
{
    /// <summary>How often it is drawn.</summary>
    public const int Samples = 100_000;

    private const int Chunk = 1000;   // each with a seed of its own, 0, 1, 2, ...

    /// <summary>The standard deviation of exp(−mean) over samples drawn with replacement; null of fewer than two values.</summary>
    /// <param name="values">Log-likelihoods.</param>
    public static double? ErrorOfPerplexity(double[] values, int samples = Samples)
    {
        if (values.Length < 2) return null;
        int chunk = Math.Min(Chunk, samples);
        var drawn = new double[samples / chunk * chunk];
        Threads.For(samples / chunk, seed =>
        {
            var random = new PythonRandom((uint)seed);
            for (int i = 0; i < chunk; i++)
            {
                double sum = 0;
                for (int k = 0; k < values.Length; k++) sum += values[(int)(random.NextDouble() * values.Length)];
                drawn[seed * chunk + i] = Math.Exp(-(sum / values.Length));
            }
        });
        double mean = drawn.Sum() / drawn.Length;
        return Math.Sqrt(drawn.Sum(d => (d - mean) * (d - mean)) / (drawn.Length - 1));
    }
}
