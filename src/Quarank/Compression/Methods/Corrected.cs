using System.Numerics.Tensors;
using System.Text.Json.Serialization;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>
/// Another method, and low-rank factors for what it leaves of W, the best ones in a norm of the inputs: the whole Gram matrix (EoRA, Liu et al. 2024,
/// arXiv:2410.21271, which is QERA-exact, Zhang et al. 2024, arXiv:2410.06040), root mean squares (QERA-approx), mean magnitudes (L²QER, Zhang et al. 2024, arXiv:2402.02446)
/// or none (LQER without scaling).
/// </summary>
/// <param name="Inner">What makes the matrix that is corrected.</param>
/// <param name="Weighting">The norm.</param>
/// <param name="Rank">Components in every layer, as far as it has them, where no budget is given.</param>
/// <param name="BitsPerWeight">What inner method and factors may take together: ranks are what the inner one leaves room for.</param>
/// <param name="FactorBits">2 to 8, or 16 for half floats.</param>
/// <param name="FactorGroupSize">Entries of a factor's vector that share a scale; 0 = all of them.</param>
/// <param name="Lead">More bits for the components of the largest singular values.</param>
/// <param name="Rounds">How often matrix and factors are then each made anew for what the other leaves, as CALDERA does; the best pair is kept.</param>
/// <param name="FactorsFirst">Factors for W, then the matrix for what they leave.</param>
/// <param name="Weighted">Factors are fitted to tokens weighted as the inner method has them, not to plain ones.</param>
/// <param name="Damping">λ: λ · mean(diag H) is added to the diagonal of the Gram matrix that factors are fitted to.</param>
/// <param name="DampingOf">What λ is a part of, if not of the mean.</param>
/// <param name="LayerBitsPerWeight">What each layer may take so that all together fill the budget; worked out by <see cref="Fit"/>.</param>
public sealed record Corrected(
    Method Inner,
    InputWeighting Weighting = InputWeighting.Gram,
    int Rank = 32,
    double? BitsPerWeight = null,
    int FactorBits = 16,
    int FactorGroupSize = 0,
    LordqLead? Lead = null,
    int Rounds = 0,
    bool FactorsFirst = false,
    bool Weighted = false,
    double Damping = 0.01,
    DampingOf DampingOf = DampingOf.Mean,
    double? LayerBitsPerWeight = null) : Method
{
    [JsonIgnore] public override Needs Needs => Weighting == InputWeighting.None ? Inner.Needs : Needs.Gram;

    [JsonIgnore] public override TokenWeights PreferredWeights => Inner.PreferredWeights;

    [JsonIgnore] public override double? BudgetBitsPerWeight => BitsPerWeight;

    /// <summary>The factors read the input as it is.</summary>
    [JsonIgnore] public override InputRounding? Rounding => Inner.Rounding;

    private const double AsNear = 0.99;

    private Lordq Style => LayerFactors.Style(FactorBits, FactorGroupSize, Lead, Weighting);

    private RankBudget Ranks => new(Style, BitsPerWeight is null ? Rank : null, BitsPerWeight, LayerBitsPerWeight, Inner.PlannedBits);

    public override void Validate()
    {
        Inner.Validate();
        (Ranks with { Rank = Rank }).Validate();
        if (Inner is ScaledMethod { Rounding: not null }) throw new ArgumentException("Inputs are rounded when they have been scaled, and factors folded for that: put the correction inside the method that scales channels.");
        if (Inner is Exact) throw new ArgumentException("What is kept exact is kept so beside the correction: exact around corrected, not the other way round.");
        if (Rounds < 0) throw new ArgumentException($"Rounds are counted from 0 on, not {Rounds}.");
        if (!(Damping >= 0 && double.IsFinite(Damping))) throw new ArgumentException($"Damping is a number from 0 on, not {Damping}.");
    }

    public override Method Fit(IReadOnlyList<LayerShape> layers)
    {
        var method = this with { Inner = Inner.Fit(layers) };
        return BitsPerWeight is null ? method : method with { LayerBitsPerWeight = method.Ranks.Filled(layers) };
    }

    public override long PlannedBits(LayerShape layer) => Ranks.BitsOf(layer);

    /// <summary>
    /// With a rank the inner method takes the size that it leaves; where it comes no nearer than a hundredth, or with a budget, ranks fill up what it leaves.
    /// </summary>
    public override Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers)
    {
        if (BitsPerWeight is not null)
        {
            var method = this with { BitsPerWeight = bitsPerWeight, LayerBitsPerWeight = null };
            return (method with { Inner = Inner.Fit(layers) }).Ranks.Reaches(layers) ? method : null;
        }
        double weights = layers.Sum(l => (double)l.Rows * l.Columns), price = layers.Sum(l => (double)Style.BitsOf(l, Ranks.RankFor(l))) / weights;
        var kept = bitsPerWeight > price && Inner.AtBitsPerWeight(bitsPerWeight - price, layers) is { } inner ? this with { Inner = inner } : null;
        if (kept is not null && layers.Sum(l => (double)kept.PlannedBits(l)) / weights >= AsNear * bitsPerWeight) return kept;
        // Of a twentieth less each time the first inner method beside which the ranks fill the rest is the largest.
        for (double part = 1; part > 0.5; part -= 0.05)
            if (Inner.AtBitsPerWeight(part * bitsPerWeight, layers) is { } smaller
                && (this with { Inner = smaller, BitsPerWeight = bitsPerWeight }).AtBitsPerWeight(bitsPerWeight, layers) is { } filled) return filled;
        return kept;
    }

    // The inner method's, then (not together with it) root, feedback, W, its parts and differences, the smaller Gram matrix.
    internal override long WorkBytes(int rows, int columns) =>
        Math.Max(Inner.WorkBytes(rows, columns), 24L * columns * columns + 24L * Math.Min(rows, columns) * Math.Min(rows, columns)) + 8L * columns * columns + 60L * rows * columns;

    public override Linear Compress(LayerProblem problem)
    {
        Validate();
        int rank = Ranks.RankFor(new(problem.Name, problem.Rows, problem.Columns));
        // Losses are those of plain tokens, and so is what the factors mend.
        var fitted = Weighted || problem.Inputs.Plain is not { } plain ? problem : problem with { Inputs = problem.Inputs with { Gram = plain, Plain = null } };
        var factors = new LayerFactors(Style with { Rank = rank }, fitted, Weighting, 1, Damping, DampingOf);
        var (inner, blocks) = Alternation.Best(factors.Weight, target =>
        {
            var made = Inner.Compress(problem with { Weight = Single(target) });
            return (made, factors.Values(made));
        }, target =>
        {
            var found = factors.Of(target);
            return (found, LordqBlock.Product(found));
        }, !FactorsFirst, Rounds, factors.Loss);
        return new SumLinear([inner, LordqLayer.ToLinear(blocks)]);
    }

    private static Matrix<float> Single(Matrix<double> m)
    {
        var single = new Matrix<float>(m.Rows, m.Columns);
        TensorPrimitives.ConvertTruncating<double, float>(m.Data, single.Data);
        return single;
    }
}
