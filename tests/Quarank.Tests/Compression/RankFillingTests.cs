using Quarank.Compression;
using Quarank.Compression.Allocation;
using Quarank.Compression.Methods;
using Quarank.Numerics;
using Xunit;

namespace Quarank.Tests.Compression;

public class RankFillingTests
{
    private static LayerEnergies Layer(string name, int rows, int columns, double decay, double sensitivity = 1) => new(
        new(name, rows, columns), [.. Enumerable.Range(0, Math.Min(rows, columns)).Select(i => Math.Pow(decay, i))], sensitivity);

    private static double Left(LayerEnergies layer, int rank) =>
        layer.Sensitivity * layer.Energies.Skip(rank).Sum() / layer.Energies.Sum();

    [Fact]
    public void Ranks_are_those_that_trying_all_finds()
    {
        var method = new Lordq();
        LayerEnergies[] layers = [Layer("a", 6, 9, 0.5), Layer("b", 8, 5, 0.9), Layer("c", 7, 7, 0.7, 3)];
        var shapes = layers.Select(l => l.Shape).ToList();
        long least = shapes.Sum(s => method.BitsOf(s, 1)), most = shapes.Sum(s => method.BitsOf(s, 5));
        for (long bits = least; bits < most; bits += 61)
        {
            double best = double.PositiveInfinity;
            for (int i = 1; i <= 6; i++)
                for (int j = 1; j <= 5; j++)
                    for (int k = 1; k <= 7; k++)
                        if (method.BitsOf(shapes[0], i) + method.BitsOf(shapes[1], j) + method.BitsOf(shapes[2], k) <= bits)
                            best = Math.Min(best, Left(layers[0], i) + Left(layers[1], j) + Left(layers[2], k));
            int[] ranks = RankFilling.Ranks(method, layers, bits);
            Assert.True(layers.Zip(ranks).Sum(l => method.BitsOf(l.First.Shape, l.Second)) <= bits);
            Assert.Equal(best, layers.Zip(ranks).Sum(l => Left(l.First, l.Second)), 1e-12);
        }
    }

    [Fact]
    public void Too_small_a_budget_is_refused_in_words()
    {
        LayerEnergies[] layers = [Layer("a", 6, 9, 0.5)];
        Assert.Contains("one component in every layer takes",
            Assert.Throws<ArgumentException>(() => RankFilling.Ranks(new Lordq(), layers, 10)).Message);
    }

    [Fact]
    public void Energies_are_the_squared_singular_values_of_the_weighted_matrix()
    {
        foreach (var (rows, columns) in new[] { (5, 9), (9, 5) })
        {
            var random = new Random(1);
            var (w, x) = (new Matrix<float>(rows, columns), new Matrix<double>(40, columns));
            for (int i = 0; i < w.Data.Length; i++) w.Data[i] = (float)(random.NextDouble() - 0.5);
            for (int i = 0; i < x.Data.Length; i++) x.Data[i] = random.NextDouble() - 0.5;
            var problem = new LayerProblem("layer", w, new(40, LinearAlgebra.SyrkTransposed(x)));
            var energies = LayerEnergies.Of(problem, new Lordq(Damping: 0)).Energies;
            double total = 0;   // tr(W H Wᵀ)
            var h = problem.Inputs.Gram;
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < columns; j++)
                    for (int k = 0; k < columns; k++) total += (double)w[i, j] * h[j, k] * w[i, k];
            Assert.Equal(Math.Min(rows, columns), energies.Length);
            Assert.Equal(total, energies.Sum(), 1e-9 * total);
            Assert.Equal(energies.OrderDescending(), energies);
        }
    }
}
