using System.Numerics.Tensors;
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

    // Grid and factors take turns, each fitted to what the other leaves; the best pair is kept.
    private (GridCodes, List<LordqBlock>) Hybrid(LordqRest rest)
    {
        GridCodes? grid = null;
        List<LordqBlock>? blocks = null;
        var (gridValues, product) = (new Matrix<double>(_weight.Rows, _weight.Columns), new Matrix<double>(_weight.Rows, _weight.Columns));
        (GridCodes, List<LordqBlock>)? best = null;
        double least = double.PositiveInfinity;
        bool gridNext = rest.First;
        for (int step = 0; step < 2 + 2 * rest.Rounds; step++, gridNext = !gridNext)
        {
            if (gridNext) grid = Round(rest, Difference(_weight, product), gridValues);
            else
            {
                blocks = _factors.Of(Difference(_weight, gridValues));
                product = LordqBlock.Product(blocks);
            }
            if (grid is null || blocks is null) continue;
            var left = LinearAlgebra.TimesLower(Difference(Difference(_weight, gridValues), product), _y);
            double loss = TensorPrimitives.SumOfSquares<double>(left.Data);
            if (loss < least || best is null) (least, best) = (loss, (grid, blocks));
        }
        return best!.Value;
    }

    private GridCodes Round(LordqRest rest, Matrix<double> target, Matrix<double> values)
    {
        var codes = new GridCodes(rest.GridOf(_method.Scales), target.Rows, target.Columns);
        if (rest.Feedback) new FeedbackRounding(_feedback!).Round(target, codes);
        else Threads.For(target.Rows, i => codes.RoundRow(i, target.Row(i)));
        Threads.For(target.Rows, i => codes.Decode(i, values.Row(i)));
        return codes;
    }

    private static Matrix<double> Difference(Matrix<double> a, Matrix<double> b)
    {
        var d = a.Clone();
        TensorPrimitives.Subtract(d.Data, b.Data, d.Data);
        return d;
    }

    private static Linear ToLinear(List<LordqBlock> blocks)
    {
        var products = Products(blocks).ToList();
        return products.Count == 1 ? products[0] : new SumLinear(products);
    }

    // Blocks of the same bits stand side by side in one product.
    private static IEnumerable<Linear> Products(List<LordqBlock> blocks) =>
        blocks.GroupBy(b => b.Band).Select(g => new ProductLinear(FactorCodes.ToColumns([.. g.Select(b => b.P)]), FactorCodes.ToRows([.. g.Select(b => b.Q)])));
}
