namespace Quarank.Models;

/// <summary>Rotary position embedding (Su et al. 2021, arXiv:2104.09864): the pair (i, i + half) turns by position · theta^(−2i/size).</summary>
/// <param name="Theta">The base of the frequencies.</param>
/// <param name="Scaling">How the frequencies are stretched for longer texts; null leaves them.</param>
public sealed record RotarySpec(double Theta, RotaryScaling? Scaling = null)
{
    /// <summary>The angles per position, one for each of the headSize / 2 pairs.</summary>
    public double[] Frequencies(int headSize)
    {
        var frequencies = new double[headSize / 2];
        for (int i = 0; i < frequencies.Length; i++)
        {
            double f = Math.Pow(Theta, -2.0 * i / headSize);
            frequencies[i] = Scaling?.Apply(f) ?? f;
        }
        return frequencies;
    }
}

/// <summary>A rule that stretches rotary frequencies.</summary>
public abstract record RotaryScaling
{
    /// <summary>The stretched frequency (radians per position).</summary>
    public abstract double Apply(double frequency);
}

/// <summary>Position interpolation (rope type <c>linear</c>): positions count 1 / Factor.</summary>
public sealed record LinearScaling(double Factor) : RotaryScaling
{
    public override double Apply(double frequency) => frequency / Factor;
}

/// <summary>
/// Llama 3.1 (rope type <c>llama3</c>): waves longer than OriginalContext / LowFactor are stretched by Factor, those
/// shorter than OriginalContext / HighFactor stay, and between them the two are mixed.
/// </summary>
public sealed record Llama3Scaling(double Factor, double LowFactor, double HighFactor, double OriginalContext) : RotaryScaling
{
    public override double Apply(double frequency)
    {
        double turns = OriginalContext * frequency / (2 * Math.PI);   // of this wave within the original context
        double keep = Math.Clamp((turns - LowFactor) / (HighFactor - LowFactor), 0, 1);
        return keep * frequency + (1 - keep) * frequency / Factor;
    }
}
