using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>LoRDQ on one layer: factors alone, or with a grid beside them.</summary>
internal sealed class LordqLayer
{
    private readonly Lordq _method;
    private readonly LordqFactors _factors;
    private readonly Matrix<double> _weight, _y;
    private readonly Matrix<float>? _feedback;

    private LordqLayer(Lordq method, LayerProblem problem)
    {
        var dead = DampedGram.DeadColumns(problem);
        bool feedback = method.Feedback.HasFlag(LordqFeedback.Q) || method.Rest is { Feedback: true };
        (_method, _weight) = (method, DampedGram.LiveWeight(problem, dead));
        _y = DampedGram.Cholesky(problem, method.Damping, dead, method.DampingOf);
        _feedback = feedback ? DampedGram.Factor(problem, method.Damping, dead, h => FeedbackFactor.Of(h), method.DampingOf) : null;
        _factors = new(method, _y, _feedback, new(problem.Name, problem.Rows, problem.Columns), problem.Note);
    }

    public static Linear Compress(Lordq method, LayerProblem problem)
    {
        var layer = new LordqLayer(method, problem);
        if (method.Rest is null) return ToLinear(layer._factors.Of(layer._weight));
        var (grid, blocks) = layer.Hybrid(method.Rest);
        return new SumLinear([grid.ToLinear(), .. Products(blocks)]);
    }

    private (GridCodes, List<LordqBlock>) Hybrid(LordqRest rest) => Alternation.Best(_weight, target => Round(rest, target), target =>
    {
        var blocks = _factors.Of(target);
        return (blocks, LordqBlock.Product(blocks));
    }, rest.First, rest.Rounds, left => LordqFactors.Loss(LinearAlgebra.TimesLower(left, _y)));

    private (GridCodes, Matrix<double>) Round(LordqRest rest, Matrix<double> target)
    {
        var (codes, values) = (new GridCodes(rest.GridOf(_method.Scales), target.Rows, target.Columns), new Matrix<double>(target.Rows, target.Columns));
        if (rest.Feedback) new FeedbackRounding(_feedback!).Round(target, codes);
        else Threads.For(target.Rows, i => codes.RoundRow(i, target.Row(i)));
        Threads.For(target.Rows, i => codes.Decode(i, values.Row(i)));
        return (codes, values);
    }

    /// <summary>The stored layer of some blocks.</summary>
    internal static Linear ToLinear(List<LordqBlock> blocks)
    {
        var products = Products(blocks).ToList();
        return products.Count == 1 ? products[0] : new SumLinear(products);
    }

    // Blocks of the same bits stand side by side in one product.
    private static IEnumerable<Linear> Products(List<LordqBlock> blocks) =>
        blocks.GroupBy(b => b.Band).Select(g => new ProductLinear(FactorCodes.ToColumns([.. g.Select(b => b.P)]), FactorCodes.ToRows([.. g.Select(b => b.Q)])));
}
