using System.Numerics.Tensors;
using Quarank.Compression;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;

namespace Quarank.Pipeline;

/// <summary>
/// Σ w² z zᵀ and Σ w² x zᵀ of one input site, z what the input x is rounded to: float products within a sequence, double sums over sequences. Of a
/// static grid the ends of the range alone, which are known when the last token has been seen.
/// </summary>
/// <param name="weights">Those to sum for; the plain ones among them.</param>
internal sealed class RoundedSums(int columns, InputRounding rounding, IReadOnlyList<TokenWeights> weights)
{
    private readonly Dictionary<TokenWeights, (Matrix<double> Gram, Matrix<double> Cross)> _sums = rounding.Grid.Static ? []
        : weights.ToDictionary(w => w, _ => (new Matrix<double>(columns, columns), new Matrix<double>(columns, columns)));

    // Tokens of each sequence that decide how much of a static range is kept.
    private const int SampledTokens = 16;
    private readonly List<float[]> _sampled = [];
    private InputRounder? _rounder;
    private float _min = float.PositiveInfinity, _max = float.NegativeInfinity;

    /// <param name="weightOf">The weight of a token; null: 1 for all.</param>
    public void Add(Matrix<float> inputs, Func<TokenWeights, Func<int, float>?> weightOf)
    {
        if (rounding.Grid.Static)
        {
            (_min, _max) = (Math.Min(_min, TensorPrimitives.Min<float>(inputs.Data)), Math.Max(_max, TensorPrimitives.Max<float>(inputs.Data)));
            if (rounding.Clip is null)
                for (int i = 0; i < SampledTokens; i++) _sampled.Add(inputs.Row((int)((long)i * inputs.Rows / SampledTokens)).ToArray());
            return;
        }
        // A ratio must be known before anything is summed: the tokens of the first sequence decide it.
        _rounder ??= InputRounder.Dynamic(rounding.Grid, rounding.Clip is { } clip ? (float)clip : Best(InputRounding.Ratios, r => InputRounder.Dynamic(rounding.Grid, r), inputs.Rows, t => inputs.Row(t)));
        var rounded = new Matrix<float>(inputs.Rows, inputs.Columns);
        Threads.For(inputs.Rows, t => _rounder.Round(inputs.Row(t), rounded.Row(t)));
        foreach (var (w, (gram, cross)) in _sums)
        {
            var weight = weightOf(w);
            var (x, z) = weight is null ? (inputs, rounded) : (Weighted(inputs, weight), Weighted(rounded, weight));
            LinearAlgebra.AddGram(z, gram);
            var product = LinearAlgebra.TransposeMultiply(x, z);
            Threads.For(columns, i =>
            {
                var sum = cross.Row(i);
                var row = product.Row(i);
                for (int j = 0; j < sum.Length; j++) sum[j] += row[j];
            });
        }
    }

    /// <summary>Divided by the number of tokens; the sums are spent afterwards.</summary>
    public IEnumerable<(TokenWeights Weights, RoundedStatistics Statistics)> Finish(double tokens)
    {
        if (rounding.Grid.Static)
        {
            InputRounder Of(float ratio) => InputRounder.Static(rounding.Grid, ratio * _min, ratio * _max);
            float ratio = rounding.Clip is { } clip ? (float)clip : Best(InputRounding.StaticRatios, Of, _sampled.Count, t => _sampled[t]);
            var range = new RoundedStatistics(Of(ratio), new(0, 0), new(0, 0));
            return weights.Select(w => (w, range));
        }
        foreach (var (gram, cross) in _sums.Values)
        {
            LinearAlgebra.Symmetrize(gram);
            TensorPrimitives.Divide(gram.Data, tokens, gram.Data);
            TensorPrimitives.Divide(cross.Data, tokens, cross.Data);
        }
        var all = _sums.ToDictionary(s => s.Key, s => new RoundedStatistics(_rounder!, s.Value.Gram, s.Value.Cross));
        return all.Select(s => (s.Key, s.Key == TokenWeights.None ? s.Value : s.Value with { Plain = all[TokenWeights.None] }));
    }

    private delegate ReadOnlySpan<float> Token(int t);

    // The ratio of the least Σ ‖x − z‖² / ‖x‖² over tokens: each counts alike, however long it is.
    private static float Best(IReadOnlyList<float> ratios, Func<float, InputRounder> rounderOf, int tokens, Token token)
    {
        var errors = new double[ratios.Count];
        Threads.For(errors.Length, r =>
        {
            var rounder = rounderOf(ratios[r]);
            float[] rounded = [];
            for (int t = 0; t < tokens; t++)
            {
                var x = token(t);
                if (rounded.Length == 0) rounded = new float[x.Length];
                double size = TensorPrimitives.SumOfSquares(x);
                if (size == 0) continue;
                rounder.Round(x, rounded);
                double distance = TensorPrimitives.Distance(x, rounded);
                errors[r] += distance * distance / size;
            }
        });
        return ratios[Array.IndexOf(errors, errors.Min())];
    }

    private static Matrix<float> Weighted(Matrix<float> rows, Func<int, float> weight)
    {
        var weighted = new Matrix<float>(rows.Rows, rows.Columns);
        for (int t = 0; t < rows.Rows; t++) TensorPrimitives.Multiply(rows.Row(t), weight(t), weighted.Row(t));
        return weighted;
    }
}
