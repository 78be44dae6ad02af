namespace Quarank.Studies.Speed;

/// <summary>One round of a test beside its limit, which was measured just before and just after it.</summary>
/// <param name="Limit">Bytes per second read from memory, or operations per second of sgemm.</param>
public readonly record struct SpeedSample(double Seconds, double Limit);

/// <summary>A test's figures over all rounds.</summary>
/// <param name="Test">pp128, tg32 …</param>
/// <param name="Samples">A round each.</param>
/// <param name="Work">What one token costs: bytes to read, or operations of the linear products.</param>
public sealed record SpeedFigure(SpeedTest Test, IReadOnlyList<SpeedSample> Samples, double Work)
{
    /// <summary>Mean of the rounds.</summary>
    public double TokensPerSecond => Samples.Average(Rate);

    /// <summary>Standard deviation of a round; 0 when there is only one.</summary>
    public double Deviation => Samples.Count < 2 ? 0 : Math.Sqrt(Samples.Sum(s => Math.Pow(Rate(s) - TokensPerSecond, 2)) / (Samples.Count - 1));

    /// <summary>Bytes, or operations, per second.</summary>
    public double WorkPerSecond => Work * TokensPerSecond;

    /// <summary>The mean limit.</summary>
    public double Limit => Samples.Average(s => s.Limit);

    /// <summary>The mean of the rounds' shares: what was reached of the limit that the round's own moment had.</summary>
    public double ShareOfLimit => Samples.Average(s => Work * Rate(s) / s.Limit);

    /// <summary>How many times as fast as another model in the same test, round by round; the mean of the rounds.</summary>
    public double Against(SpeedFigure other) => Samples.Zip(other.Samples, (own, others) => Rate(own) / other.Rate(others)).Average();

    private double Rate(SpeedSample sample) => Test.Tokens / sample.Seconds;
}
