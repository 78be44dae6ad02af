namespace Quarank.Evaluation;

/// <summary>A mean with its standard error s / √n, which takes the values as independent; summed in the order they come.</summary>
internal struct SampleMean
{
    private double _sum, _squares;

    public long Count { get; private set; }

    public readonly double Mean => _sum / Count;

    /// <summary>√(variance / n), the variance with n − 1 below; 0 for a single value.</summary>
    public readonly double StandardError =>
        Math.Sqrt(Math.Max(0, _squares / Count - Mean * Mean) / Math.Max(1, Count - 1));

    public void Add(double value)
    {
        _sum += value;
        _squares += value * value;
        Count++;
    }

    /// <summary>Of losses: the perplexity exp(mean), its error by the delta method.</summary>
    public readonly PerplexityResult Perplexity(string protocol, int segments)
    {
        double perplexity = Math.Exp(Mean);
        return new(protocol, perplexity, perplexity * StandardError, Mean, Count, segments);
    }
}
