using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Compression;

/// <summary>Directions and columns kept exact beside a method, and damping that a massive direction does not move.</summary>
public class ExactTests
{
    private static readonly Gptq Coarse = new(new(2));

    [Theory, InlineData(1), InlineData(3)]
    public void The_error_along_exact_directions_is_that_of_half_floats(int count)
    {
        var problem = Massive();
        var u = SymmetricEigen.Top(problem.Inputs.Gram, count).Vectors;
        double[] Along(Method method)
        {
            var left = LinearAlgebra.MultiplyTransposed(Error(problem, method), u);
            return [.. Enumerable.Range(0, count).Select(k => Math.Sqrt(Enumerable.Range(0, left.Rows).Sum(i => left[i, k] * left[i, k])))];
        }
        var (exact, inner) = (Along(new Exact(Coarse, count)), Along(new RoundToNearest(new(2))));
        for (int k = 0; k < count; k++) Assert.InRange(exact[k], 0, inner[k] * 2e-3);    // 2⁻¹¹ of what was corrected, in both factors
    }

    /// <summary>The loss of the whole is the inner method's on the Gram matrix without those directions.</summary>
    [Fact]
    public void The_loss_is_the_inner_methods_on_the_projected_gram_matrix()
    {
        var problem = Massive();
        var (h, w) = (problem.Inputs.Gram, problem.Weight);
        var u = SymmetricEigen.Top(h, 1).Vectors;
        var projection = new Matrix<double>(h.Rows, h.Rows);
        for (int i = 0; i < h.Rows; i++)
            for (int j = 0; j < h.Rows; j++) projection[i, j] = (i == j ? 1 : 0) - u[0, i] * u[0, j];
        var projected = LinearAlgebra.Multiply(LinearAlgebra.Multiply(projection, h), projection);

        var alone = problem with { Inputs = new(problem.Inputs.Tokens, projected) };
        double total = Loss(h, Doubles(w)), expected = Loss(projected, Error(alone, Coarse)) / total;
        Assert.Equal(expected, ProxyLoss.Relative(problem, new Exact(Coarse, 1).Compress(problem)), 1e-3 * expected);
    }

    [Fact]
    public void Exact_columns_are_those_of_the_largest_inputs_and_are_half_floats()
    {
        var problem = Some.Problem(24, 64, outlier: 1000);
        var layer = new Exact(new Lordq(RankFraction: 0.5), Columns: 2).Compress(problem).ToDense();
        int[] largest = [.. Enumerable.Range(0, 64).OrderByDescending(j => problem.Inputs.Gram[j, j]).Take(2)];
        Assert.Contains(3, largest);
        for (int i = 0; i < 24; i++)
            foreach (int j in largest) Assert.Equal(problem.Weight[i, j], layer[i, j], 1e-3f * Math.Abs(problem.Weight[i, j]) + 1e-4f);
    }

    [Fact]
    public void With_a_massive_input_less_is_lost_than_by_the_method_alone()
    {
        double Lost(LayerProblem problem, Method m) => ProxyLoss.Relative(problem, m.Compress(problem));
        var (direction, column) = (Massive(), Some.Problem(30, 64, outlier: 100));
        foreach (Method inner in (Method[])[Coarse, new RoundToNearest(new(2)), new Lordq(RankFraction: 0.5)])
        {
            Assert.True(Lost(direction, new Exact(inner, 1)) < Lost(direction, inner));
            Assert.True(Lost(column, new Exact(inner, Columns: 1)) < Lost(column, inner));
        }
    }

    [Fact]
    public void The_price_comes_out_of_the_budget()
    {
        LayerShape[] layers = [new("q", 576, 576), new("k", 192, 576), new("up", 1536, 576), new("down", 576, 1536)];
        var exact = new Exact(new Lordq(2.5), 2, 3).Fit(layers);
        double weights = layers.Sum(l => (double)l.Rows * l.Columns);
        Assert.InRange(layers.Sum(exact.PlannedBits) / weights, 2.5 * 0.98, 2.5);
        var grid = new Exact(Coarse, 1).AtBitsPerWeight(3.1, layers)!;
        Assert.InRange(layers.Sum(grid.PlannedBits) / weights, 3.1 * 0.9, 3.1 * 1.005);
        Assert.Contains("go to what is kept exact", Assert.Throws<ArgumentException>(() => new Exact(new Lordq(0.1), 5).Fit(layers)).Message);
        Assert.Contains("cannot keep", Assert.Throws<ArgumentException>(() => new Exact(Coarse, 192).Fit(layers)).Message);
        Assert.Contains("not 0 and 0", Assert.Throws<ArgumentException>(new Exact(Coarse).Validate).Message);
    }

    [Theory, InlineData(0), InlineData(5)]
    public void Damping_of_the_median_adds_that_part_of_the_median_eigenvalue_of_live_inputs(int dead)
    {
        var problem = Some.Problem(4, 41 + dead, dead: dead, outlier: 1000);
        var h = problem.Inputs.Gram;
        double[] values = [.. SymmetricEigen.All(h).Values.Where(v => v > 1e-9)];
        Assert.Equal(41, values.Length);
        var seen = DampedGram.Factor(problem, 0.25, DampedGram.DeadColumns(problem), damped => (damped, 0), DampingOf.Median);
        for (int i = 0; i < h.Rows; i++)
            for (int j = 0; j < h.Rows; j++)
            {
                double before = i == j && i < dead ? 1 : h[i, j];
                Assert.Equal(before + (i == j ? 0.25 * values[20] : 0), seen[i, j], 1e-9 * Math.Max(1, Math.Abs(before)));
            }
    }

    [Fact]
    public void Damping_of_the_median_is_not_moved_by_a_massive_direction()
    {
        double Added(float outlier, DampingOf of)
        {
            var problem = Some.Problem(4, 40, outlier: outlier);
            double added = 0;
            DampedGram.Factor(problem, 0.1, new bool[40], h =>
            {
                added = h[0, 0] - problem.Inputs.Gram[0, 0];
                return (h, 0);
            }, of);
            return added;
        }
        Assert.InRange(Added(1000, DampingOf.Median) / Added(1, DampingOf.Median), 0.8, 1.25);
        Assert.InRange(Added(1000, DampingOf.Mean) / Added(1, DampingOf.Mean), 100, 1e9);
    }

    // One token's direction, in no column alone, with a hundred times the energy of all the others.
    private static LayerProblem Massive()
    {
        var problem = Some.Problem(30, 64);
        var h = problem.Inputs.Gram;
        var (direction, energy) = (Some.Matrix(1, 64, seed: 9), 100 * LinearAlgebra.Trace(h) / 21);  // ‖direction‖² is about 64 / 3
        for (int i = 0; i < 64; i++)
            for (int j = 0; j < 64; j++) h[i, j] += energy * direction[0, i] * direction[0, j];
        return problem;
    }

    private static Matrix<double> Doubles(Matrix<float> m) => new(m.Rows, m.Columns, [.. m.Data.ToArray().Select(v => (double)v)]);

    private static Matrix<double> Error(LayerProblem problem, Method method)
    {
        var (error, decoded) = (Doubles(problem.Weight), method.Compress(problem).ToDense());
        for (int i = 0; i < error.Data.Length; i++) error.Data[i] -= decoded.Data[i];
        return error;
    }

    private static double Loss(Matrix<double> h, Matrix<double> d)
    {
        var product = LinearAlgebra.Multiply(d, h);
        double sum = 0;
        for (int i = 0; i < d.Data.Length; i++) sum += product.Data[i] * d.Data[i];
        return sum;
    }
}
