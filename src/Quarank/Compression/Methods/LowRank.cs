using System.Numerics.Tensors;
using System.Text.Json.Serialization;
using Quarank.Layers;

namespace Quarank.Compression.Methods;

/// <summary>
/// W ≈ L R and nothing beside it: the best product of its rank in a norm of the inputs. With the whole Gram matrix this is SVD-LLM (Wang et al. 2024,
/// arXiv:2403.07378), with mean magnitudes to the power 1/2 ASVD (Yuan et al. 2023, arXiv:2312.05821), without weighting the plain SVD; in two steps
/// with two norms ResSVD (arXiv:2505.20112).
/// </summary>
/// <param name="Weighting">The norm.</param>
/// <param name="BitsPerWeight">What every layer may take; with factors of 16 bits a sixteenth of it is the ratio of parameters that are kept.</param>
/// <param name="Rank">Components of every layer, as far as it has them; goes before the budget.</param>
/// <param name="Power">α: sizes of inputs are raised to it, where the norm is one of sizes.</param>
/// <param name="FactorBits">2 to 8, or 16 for half floats.</param>
/// <param name="FactorGroupSize">Entries of a factor's vector that share a scale; 0 = all of them.</param>
/// <param name="Lead">More bits for the components of the largest singular values.</param>
/// <param name="ResidualShare">The part of the rank that is spent on what the others leave, in a norm of its own.</param>
/// <param name="ResidualWeighting">That norm.</param>
/// <param name="Damping">λ: λ · mean(diag H) is added to the diagonal of the Gram matrix.</param>
/// <param name="DampingOf">What λ is a part of, if not of the mean.</param>
/// <param name="LayerBitsPerWeight">What each layer may take so that all together fill the budget; worked out by <see cref="Fit"/>.</param>
public sealed record LowRank(
    InputWeighting Weighting = InputWeighting.Gram,
    double BitsPerWeight = 8,
    int? Rank = null,
    double Power = 1,
    int FactorBits = 16,
    int FactorGroupSize = 0,
    LordqLead? Lead = null,
    double ResidualShare = 0,
    InputWeighting ResidualWeighting = InputWeighting.None,
    double Damping = 0.01,
    DampingOf DampingOf = DampingOf.Mean,
    double? LayerBitsPerWeight = null) : Method
{
    [JsonIgnore] public override Needs Needs => Weighting == InputWeighting.None && ResidualWeighting == InputWeighting.None ? Needs.Nothing : Needs.Gram;

    [JsonIgnore] public override double? BudgetBitsPerWeight => Rank is null ? BitsPerWeight : null;

    private Lordq Style => LayerFactors.Style(FactorBits, FactorGroupSize, Lead, Weighting);

    private RankBudget Ranks => new(Style, Rank, BitsPerWeight, LayerBitsPerWeight, _ => 0);

    public override void Validate()
    {
        Ranks.Validate();
        if (!(Power > 0 && Power <= 4)) throw new ArgumentException($"Sizes are raised to a power above 0 and up to 4, not {Power}.");
        if (Power != 1 && Weighting is InputWeighting.None or InputWeighting.Gram) throw new ArgumentException("A power is for inputs weighted by their magnitude or root mean square.");
        if (ResidualShare is not (>= 0 and < 1)) throw new ArgumentException($"The residual has a share of the rank from 0 to below 1, not {ResidualShare}.");
        if (ResidualShare > 0 && Lead is not null) throw new ArgumentException("A rank is cut either into bands of bits or into a part for the residual and one before it.");
        if (!(Damping >= 0 && double.IsFinite(Damping))) throw new ArgumentException($"Damping is a number from 0 on, not {Damping}.");
    }

    public override Method Fit(IReadOnlyList<LayerShape> layers) => Rank is null ? this with { LayerBitsPerWeight = Ranks.Filled(layers) } : this;

    public override long PlannedBits(LayerShape layer) => Ranks.BitsOf(layer);

    public override Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers)
    {
        var method = this with { BitsPerWeight = bitsPerWeight, Rank = null, LayerBitsPerWeight = null };
        return method.Ranks.Reaches(layers) ? method : null;
    }

    // Root, feedback; W, W Y, what is left of it; the smaller Gram matrix with the solver's workspace.
    internal override long WorkBytes(int rows, int columns) =>
        24L * columns * columns + 48L * rows * columns + 24L * Math.Min(rows, columns) * Math.Min(rows, columns) + 40L * Ranks.RankFor(new("", rows, columns)) * (rows + columns);

    public override Linear Compress(LayerProblem problem)
    {
        Validate();
        int rank = Ranks.RankFor(new(problem.Name, problem.Rows, problem.Columns)), then = Math.Min(rank - 1, (int)Math.Round(ResidualShare * rank));
        var factors = Factors(Style, Weighting, Power, rank - then, problem);
        var left = factors.Weight;
        var blocks = factors.Of(left);
        if (then > 0)
        {
            TensorPrimitives.Subtract(left.Data, LordqBlock.Product(blocks).Data, left.Data);
            blocks.AddRange(Factors(LayerFactors.Style(FactorBits, FactorGroupSize, null, ResidualWeighting), ResidualWeighting, 1, then, problem).Of(left));
        }
        return LordqLayer.ToLinear(blocks);
    }

    private LayerFactors Factors(Lordq style, InputWeighting weighting, double power, int rank, LayerProblem problem) =>
        new(style with { Rank = rank }, problem, weighting, power, Damping, DampingOf);
}
