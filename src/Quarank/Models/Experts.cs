using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;

namespace Quarank.Models;

/// <summary>
/// Several feed-forward parts, of which each token passes through the few that a router scores highest; their results are summed by
/// those scores (Mixtral, Jiang et al. 2024, arXiv:2401.04088, §2.1).
/// </summary>
/// <param name="router">experts × HiddenSize; never compressed.</param>
internal sealed class Experts(ModelSpec spec, Linear router, Mlp[] experts) : FeedForward
{
    public Linear Router => router;

    public override void Run(Matrix<float> x, ForwardBuffers b, ActivationObserver? observe, bool needed)
    {
        if (x.Rows == 1 && observe is null) RunOne(x, b);
        else RunAll(x, b, observe, needed);
    }

    /// <summary>Shows what the layers of <paramref name="chosen"/> would read if every token were sent to them.</summary>
    public void Show(Matrix<float> x, IEnumerable<int> chosen, ForwardBuffers b, ActivationObserver observe)
    {
        foreach (int e in chosen) experts[e].Run(x, b.Gate, b.Up, b.Projected, b.Inputs, observe, needed: false);
    }

    /// <summary>Without allocating, for a text that grows token by token.</summary>
    private void RunOne(Matrix<float> x, ForwardBuffers b)
    {
        Span<float> weights = stackalloc float[experts.Length];
        router.Apply(x.Row(0), weights);
        Route(weights);
        b.Projected.Data.Clear();
        for (int e = 0; e < experts.Length; e++)
        {
            if (weights[e] == 0) continue;
            experts[e].Run(x, b.Gate, b.Up, b.Expert, b.Inputs, null, needed: true);
            TensorPrimitives.MultiplyAdd(b.Expert.Data, weights[e], b.Projected.Data, b.Projected.Data);
        }
    }

    private void RunAll(Matrix<float> x, ForwardBuffers b, ActivationObserver? observe, bool needed)
    {
        var weights = router.Apply(x);
        for (int t = 0; t < x.Rows; t++) Route(weights.Row(t));
        b.Projected.Data.Clear();
        for (int e = 0; e < experts.Length; e++)
        {
            int[] tokens = [.. Enumerable.Range(0, x.Rows).Where(t => weights[t, e] != 0)];
            if (tokens.Length == 0) continue;
            Matrix<float> own = new(tokens.Length, spec.HiddenSize), result = new(tokens.Length, spec.HiddenSize);
            for (int i = 0; i < tokens.Length; i++) x.Row(tokens[i]).CopyTo(own.Row(i));
            experts[e].Run(own, new(tokens.Length, b.Gate.Columns), new(tokens.Length, b.Up.Columns), result, b.Inputs, observe, needed);
            for (int i = 0; i < tokens.Length && needed; i++)
            {
                var sum = b.Projected.Row(tokens[i]);
                TensorPrimitives.MultiplyAdd(result.Row(i), weights[tokens[i], e], sum, sum);
            }
        }
    }

    /// <summary>Scores to weights: soft-max, of which the highest stay, of equal ones the first, and are brought to the sum 1; the others become 0.</summary>
    private void Route(Span<float> scores)
    {
        Span<float> kept = stackalloc float[scores.Length];
        kept.Clear();
        ActivationKernels.SoftMax(scores);
        float sum = 0;
        for (int i = 0; i < spec.ExpertsPerToken; i++)
        {
            int best = TensorPrimitives.IndexOfMax<float>(scores);
            sum += kept[best] = scores[best];
            scores[best] = -1;
        }
        TensorPrimitives.Divide(kept, sum, scores);
    }
}
