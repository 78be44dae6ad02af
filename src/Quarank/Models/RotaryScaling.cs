namespace Quarank.Models;

/// <summary>A rule that stretches rotary frequencies.</summary>
public abstract record RotaryScaling
{
    /// <summary>The length of text above which other frequencies hold, for all its positions; null: always the same.</summary>
    public virtual int? Switch => null;

    /// <summary>Factor of rotated queries and of rotated keys.</summary>
    public virtual double Magnitude => 1;

    /// <summary>The stretched frequency (radians per position) of a pair.</summary>
    public abstract double Apply(double frequency, int pair, bool longText);
}

/// <summary>Position interpolation (rope type <c>linear</c>): positions count 1 / Factor.</summary>
public sealed record LinearScaling(double Factor) : RotaryScaling
{
    public override double Apply(double frequency, int pair, bool longText) => frequency / Factor;
}

/// <summary>
/// Llama 3.1 (rope type <c>llama3</c>): waves longer than OriginalContext / LowFactor are stretched by Factor, those
/// shorter than OriginalContext / HighFactor stay, and between them the two are mixed.
/// </summary>
public sealed record Llama3Scaling(double Factor, double LowFactor, double HighFactor, double OriginalContext) : RotaryScaling
{
    public override double Apply(double frequency, int pair, bool longText)
    {
        double turns = OriginalContext * frequency / (2 * Math.PI);   // of this wave within the original context
        double keep = Math.Clamp((turns - LowFactor) / (HighFactor - LowFactor), 0, 1);
        return keep * frequency + (1 - keep) * frequency / Factor;
    }
}

/// <summary>
/// LongRoPE (Ding et al. 2024, arXiv:2402.13753; rope type <c>longrope</c>): each pair has a divisor of its own, one for texts up to the
/// original context and another for longer ones.
/// </summary>
/// <param name="Attention">The magnitude, for texts of any length.</param>
public sealed record LongScaling(IReadOnlyList<double> InShortTexts, IReadOnlyList<double> InLongTexts, int OriginalContext, double Attention) : RotaryScaling
{
    public override int? Switch => OriginalContext;

    public override double Magnitude => Attention;

    public override double Apply(double frequency, int pair, bool longText) => frequency / (longText ? InLongTexts : InShortTexts)[pair];
}
