using System.Numerics;
using System.Numerics.Tensors;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Training;

/// <summary>
/// Several feed-forward parts: y = Σ w_e E_e(x) over the highest of the router's scores, w their soft-max among themselves. Which are
/// chosen has no gradient; their weights have: ∂s_e = w_e (∂w_e − Σ w ∂w), ∂w_e = ∂y · E_e(x).
/// </summary>
/// <param name="router">experts × HiddenSize.</param>
internal sealed class ExpertsPart<T>(ModelSpec spec, Parameter<T> router, MlpPart<T>[] experts) : FeedForwardPart<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly LinearPart<T> _router = new(router, null);
    private readonly Room<T> _weights = new(), _dScores = new(), _result = new(), _gradient = new();
    private readonly Room<T>[] _own = [.. experts.Select(_ => new Room<T>())], _dOwn = [.. experts.Select(_ => new Room<T>())];
    private readonly Matrix<T>[] _given = new Matrix<T>[experts.Length];
    private int[][] _tokens = [];

    /// <summary>The weights of the experts' layers by expert: cleared where no token comes.</summary>
    public required Parameter<T>[][] OfExpert { private get; init; }

    public override IEnumerable<Parameter<T>> Parameters => [router];

    public override Matrix<T> Forward(Matrix<T> x)
    {
        var weights = _weights.Fit(x.Rows, experts.Length);
        var scores = _router.Forward(x);
        RowWise.For(x.Rows, (first, count) =>
        {
            for (int t = first; t < first + count; t++) Route(scores.Row(t), weights.Row(t));
        });
        var y = _result.Fit(x.Rows, spec.HiddenSize);
        y.Data.Clear();
        _tokens = [.. Enumerable.Range(0, experts.Length).Select(e => Enumerable.Range(0, x.Rows).Where(t => weights[t, e] != T.Zero).ToArray())];
        for (int e = 0; e < experts.Length; e++)
        {
            int[] tokens = _tokens[e];
            if (tokens.Length == 0) continue;
            var own = _own[e].Fit(tokens.Length, x.Columns);
            for (int i = 0; i < tokens.Length; i++) x.Row(tokens[i]).CopyTo(own.Row(i));
            var given = _given[e] = experts[e].Forward(own);
            for (int i = 0; i < tokens.Length; i++)
                TensorPrimitives.MultiplyAdd(given.Row(i), weights[tokens[i], e], y.Row(tokens[i]), y.Row(tokens[i]));
        }
        return y;
    }

    public override Matrix<T> Backward(Matrix<T> dy)
    {
        Matrix<T> weights = _weights.Fit(dy.Rows, experts.Length), dScores = _dScores.Fit(dy.Rows, experts.Length), dx = _gradient.Fit(dy.Rows, spec.HiddenSize);
        dScores.Data.Clear();
        for (int e = 0; e < experts.Length; e++)
            for (int i = 0; i < _tokens[e].Length; i++)
                dScores[_tokens[e][i], e] = TensorPrimitives.Dot<T>(dy.Row(_tokens[e][i]), _given[e].Row(i));
        for (int t = 0; t < dy.Rows; t++)
        {
            Span<T> d = dScores.Row(t), w = weights.Row(t);
            TensorPrimitives.Subtract(d, TensorPrimitives.Dot<T>(d, w), d);
            TensorPrimitives.Multiply(d, w, d);
        }
        _router.Backward(dScores, dx);
        for (int e = 0; e < experts.Length; e++)
        {
            int[] tokens = _tokens[e];
            if (tokens.Length == 0)
            {
                foreach (var parameter in OfExpert[e]) parameter.Gradient?.Data.Clear();
                continue;
            }
            var dOwn = _dOwn[e].Fit(tokens.Length, dy.Columns);
            for (int i = 0; i < tokens.Length; i++) TensorPrimitives.Multiply(dy.Row(tokens[i]), weights[tokens[i], e], dOwn.Row(i));
            var back = experts[e].Backward(dOwn);
            for (int i = 0; i < tokens.Length; i++) TensorPrimitives.Add(dx.Row(tokens[i]), back.Row(i), dx.Row(tokens[i]));
        }
        return dx;
    }

    /// <summary>The highest scores' soft-max, of equal ones the first; the others become 0.</summary>
    private void Route(ReadOnlySpan<T> scores, Span<T> weights)
    {
        Span<T> left = stackalloc T[scores.Length];
        scores.CopyTo(left);
        weights.Clear();
        T most = TensorPrimitives.Max(scores), sum = T.Zero;
        for (int i = 0; i < spec.ExpertsPerToken; i++)
        {
            int best = TensorPrimitives.IndexOfMax<T>(left);
            sum += weights[best] = T.Exp(left[best] - most);
            left[best] = T.NegativeInfinity;
        }
        TensorPrimitives.Divide(weights, sum, weights);
    }
}
