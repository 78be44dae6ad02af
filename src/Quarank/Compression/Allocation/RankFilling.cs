using System.Numerics.Tensors;
using Quarank.Compression.Methods;
using Quarank.Numerics;

namespace Quarank.Compression.Allocation;

/// <summary>A layer's shape and the σ² of W Y, falling, with H = Y Yᵀ damped as the method damps it.</summary>
/// <param name="Sensitivity">How much a part of this layer's output energy matters beside the same part of another's.</param>
public sealed record LayerEnergies(LayerShape Shape, double[] Energies, double Sensitivity = 1)
{
    /// <summary>Of one layer: the eigenvalues of the smaller of R Rᵀ and Rᵀ R, R = W Y.</summary>
    public static LayerEnergies Of(LayerProblem problem, Lordq method)
    {
        var dead = DampedGram.DeadColumns(problem);
        var y = DampedGram.Cholesky(problem, method.Damping, dead, method.DampingOf);
        var r = LinearAlgebra.Multiply(DampedGram.LiveWeight(problem, dead), y);
        var energies = SymmetricEigen.Values(r.Rows <= r.Columns ? LinearAlgebra.Syrk(r) : LinearAlgebra.SyrkTransposed(r));
        for (int i = 0; i < energies.Length; i++) energies[i] = Math.Max(0, energies[i]);
        return new(new(problem.Name, problem.Rows, problem.Columns), energies);
    }
}

/// <summary>
/// Ranks by water-filling (spec §2.5): component i of a layer gains σᵢ² / Σσ² times the layer's sensitivity and takes the bits
/// that one more component is stored in; what gains most per bit is taken, in all layers together, until the budget is spent.
/// </summary>
public static class RankFilling
{
    /// <summary>
    /// The ranks that leave the least Σ sensitivity · (share of the energy left out), every layer having at least one component
    /// and all together at most <paramref name="bits"/> stored bits. Solved as a knapsack, since codes fill whole bytes and
    /// components of different layers have different sizes.
    /// </summary>
    /// <exception cref="ArgumentException">One component in every layer takes more than the budget.</exception>
    public static int[] Ranks(Lordq method, IReadOnlyList<LayerEnergies> layers, long bits)
    {
        long least = layers.Sum(l => method.BitsOf(l.Shape, 1)), weights = layers.Sum(l => (long)l.Shape.Rows * l.Shape.Columns);
        if (least > bits)
            throw new ArgumentException(FormattableString.Invariant(
                $"{(double)bits / weights:0.####} bits per weight are too few: one component in every layer takes {(double)least / weights:0.####}."));
        KnapsackItem[][] groups = [.. layers.Select(l => Items(method, l))];
        return [.. Knapsack.Solve(groups, bits).Choices.Select(c => c + 1)];
    }

    /// <summary>Ranks 1 … min(rows, columns): what each takes and leaves out.</summary>
    private static KnapsackItem[] Items(Lordq method, LayerEnergies layer)
    {
        double total = TensorPrimitives.Sum<double>(layer.Energies), left = total;
        var items = new KnapsackItem[layer.Energies.Length];
        for (int r = 1; r <= items.Length; r++)
        {
            left = Math.Max(0, left - layer.Energies[r - 1]);
            items[r - 1] = new(method.BitsOf(layer.Shape, r), total > 0 ? layer.Sensitivity * left / total : 0);
        }
        return items;
    }
}
