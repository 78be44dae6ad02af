using System.Numerics.Tensors;
using Quarank.Compression;
using Quarank.Numerics;

namespace Quarank.Pipeline;

/// <summary>
/// Σ w² x xᵀ of one input site under several weights, in one pass: float products within a sequence, double sums over sequences.
/// </summary>
/// <remarks>
/// A cut concerns few tokens, so it costs few: those below the limit are summed once, for the plain and the cut matrix alike, those above
/// it apart. (The difference of two whole matrices would lose the small tokens in the rounding of the large ones.)
/// </remarks>
internal sealed class SiteSums
{
    private readonly double _normCut;
    private readonly Dictionary<TokenWeights, Matrix<double>> _sums;
    private readonly Matrix<double>? _above;     // the tokens above the limit, unweighted
    private readonly double[] _magnitudes;

    private readonly (InputRounding Rounding, RoundedSums Sums)[] _rounded;

    public SiteSums(int columns, TokenWeighting weighting)
    {
        _rounded = [.. weighting.Roundings.Select(r => (r, new RoundedSums(columns, r, weighting.Summed)))];
        _normCut = weighting.NormCut;
        _magnitudes = new double[columns];
        _sums = weighting.Summed.ToDictionary(w => w, _ => new Matrix<double>(columns, columns));
        if (_sums.ContainsKey(TokenWeights.Cut)) _above = new(columns, columns);
    }

    public List<float> Norms { get; } = [];

    /// <summary>The mean of |x_j| over the tokens so far.</summary>
    public double[] Magnitudes() => [.. _magnitudes.Select(m => m / Norms.Count)];

    /// <param name="inputs">What the layers read in one sequence, tokens × columns.</param>
    /// <param name="norms">Of its rows.</param>
    public void Add(Matrix<float> inputs, float[] norms)
    {
        Norms.AddRange(norms);
        AddMagnitudes(inputs);
        float limit = _above is null ? float.PositiveInfinity : (float)(_normCut * Median(norms));
        int[] all = [.. Enumerable.Range(0, norms.Length)], high = [.. all.Where(t => norms[t] > limit)];
        foreach (var (weights, sum) in _sums)
            if (weights == TokenWeights.None)
                LinearAlgebra.AddGram(high.Length == 0 ? inputs : Rows(inputs, [.. all.Except(high)], _ => 1), sum);
            else if (weights == TokenWeights.Cut) AddHigh(inputs, high, t => limit / norms[t], sum);
            else LinearAlgebra.AddGram(Rows(inputs, all, t => TokenWeighting.Of(weights, norms[t])), sum);
        if (_above is not null) AddHigh(inputs, high, _ => 1, _above);
        foreach (var (_, sums) in _rounded) sums.Add(inputs, weights => WeightOf(weights, norms, limit));
    }

    private static Func<int, float>? WeightOf(TokenWeights weights, float[] norms, float limit) => weights switch
    {
        TokenWeights.None => null,
        TokenWeights.Cut => t => norms[t] > limit ? limit / norms[t] : 1,
        _ => t => TokenWeighting.Of(weights, norms[t]),
    };

    /// <summary>What was gathered of the inputs rounded, to be asked for once.</summary>
    public Dictionary<(InputRounding, TokenWeights), RoundedStatistics> FinishRounded() => _rounded
        .SelectMany(r => r.Sums.Finish(Norms.Count).Select(s => (Key: (r.Rounding, s.Weights), s.Statistics))).ToDictionary(s => s.Key, s => s.Statistics);

    /// <summary>Whole matrices, divided by the number of tokens; the sums are spent afterwards.</summary>
    public Dictionary<TokenWeights, Matrix<double>> Finish()
    {
        if (_above is not null)
        {
            var (low, cut) = (_sums[TokenWeights.None], _sums[TokenWeights.Cut]);
            TensorPrimitives.Add(cut.Data, low.Data, cut.Data);
            TensorPrimitives.Add(low.Data, _above.Data, low.Data);
        }
        double tokens = Norms.Count;
        foreach (var sum in _sums.Values)
        {
            LinearAlgebra.Symmetrize(sum);
            Threads.For(sum.Rows, i => TensorPrimitives.Divide(sum.Row(i), tokens, sum.Row(i)));
        }
        return _sums;
    }

    // Floats within a sequence, doubles over sequences, as the matrices are summed.
    private void AddMagnitudes(Matrix<float> inputs)
    {
        const int chunk = 256;
        Threads.For((_magnitudes.Length + chunk - 1) / chunk, c =>
        {
            int first = c * chunk, count = Math.Min(chunk, _magnitudes.Length - first);
            Span<float> sum = stackalloc float[chunk], one = stackalloc float[chunk];
            sum.Clear();
            for (int t = 0; t < inputs.Rows; t++)
            {
                TensorPrimitives.Abs(inputs.Row(t).Slice(first, count), one);
                TensorPrimitives.Add(sum[..count], one[..count], sum);
            }
            for (int j = 0; j < count; j++) _magnitudes[first + j] += sum[j];
        });
    }

    private static void AddHigh(Matrix<float> inputs, int[] high, Func<int, float> weight, Matrix<double> sum)
    {
        if (high.Length > 0) LinearAlgebra.AddGram(Rows(inputs, high, weight), sum);
    }

    private static Matrix<float> Rows(Matrix<float> inputs, int[] tokens, Func<int, float> weight)
    {
        var rows = new Matrix<float>(tokens.Length, inputs.Columns);
        for (int i = 0; i < tokens.Length; i++)
            TensorPrimitives.Multiply(inputs.Row(tokens[i]), weight(tokens[i]), rows.Row(i));
        return rows;
    }

    private static float Median(float[] norms)
    {
        float[] sorted = [.. norms];
        Array.Sort(sorted);
        return sorted[sorted.Length / 2];
    }
}
