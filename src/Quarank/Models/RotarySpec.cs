namespace Quarank.Models;

/// <summary>Rotary position embedding (Su et al. 2021, arXiv:2104.09864): the pair (i, i + half) turns by position · theta^(−2i/size).</summary>
/// <param name="Theta">The base of the frequencies.</param>
/// <param name="Scaling">How the frequencies are stretched for longer texts; null leaves them.</param>
/// <param name="Part">The part of a head, from its first feature on, that turns; the rest stays.</param>
public sealed record RotarySpec(double Theta, RotaryScaling? Scaling = null, double Part = 1)
{
    /// <summary>How many of a head's features turn.</summary>
    public int Size(int headSize) => (int)(headSize * Part);

    /// <summary>The angles per position, one for each pair.</summary>
    /// <param name="longText">Whether the text is longer than <see cref="RotaryScaling.Switch"/>.</param>
    public double[] Frequencies(int headSize, bool longText = false)
    {
        int size = Size(headSize);
        var frequencies = new double[size / 2];
        for (int i = 0; i < frequencies.Length; i++)
        {
            double f = Math.Pow(Theta, -2.0 * i / size);
            frequencies[i] = Scaling?.Apply(f, i, longText) ?? f;
        }
        return frequencies;
    }
}
