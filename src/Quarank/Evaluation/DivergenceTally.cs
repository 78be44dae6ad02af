namespace Quarank.Evaluation;

/// <summary>Sums up tokens that two models foretold.</summary>
internal sealed class DivergenceTally(long tokens)
{
    private readonly float[] _all = new float[tokens];
    private SampleMean _losses, _denseLosses, _differences, _kl, _agreed, _shared;

    /// <summary>Of the model, on the tokens so far.</summary>
    public double Perplexity => Math.Exp(_losses.Mean);

    public void Add(ReadOnlySpan<TokenDivergence> segment)
    {
        foreach (var token in segment)
        {
            _all[_kl.Count] = (float)token.Kl;
            _kl.Add(token.Kl);
            _losses.Add(token.Loss);
            _denseLosses.Add(token.DenseLoss);
            _differences.Add(token.Loss - token.DenseLoss);
            _agreed.Add(token.Agrees ? 1 : 0);
            _shared.Add(token.SharedTop);
        }
    }

    /// <summary>When all tokens are in.</summary>
    public DivergenceResult Result(string protocol, int segments)
    {
        Array.Sort(_all);
        return new(_losses.Perplexity(protocol, segments), _denseLosses.Perplexity(protocol, segments), _differences.Mean,
            _differences.StandardError, _kl.Mean, _kl.StandardError, KlSpread.Of(_all), _agreed.Mean, _agreed.StandardError,
            _shared.Mean, _shared.StandardError);
    }
}
