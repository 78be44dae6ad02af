using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Compression;

/// <summary>Factors for what another method leaves: what the papers claim of them, and the goldens.</summary>
public class CorrectedTests
{
    private static readonly InputWeighting[] Norms = [InputWeighting.Gram, InputWeighting.Rms, InputWeighting.Magnitude, InputWeighting.None];

    [Theory, InlineData("wide"), InlineData("tall"), InlineData("long")]
    public void EoRA_is_the_golden_one(string name)
    {
        var problem = MethodGolden.Problem(name);
        var grid = new GridFormat(3, Scales: ScaleType.Bits32);
        foreach (var (inner, of) in new (Method, string)[] { (new Gptq(grid), "gptq"), (new RoundToNearest(grid), "rtn") })
        {
            var (rounded, golden, left) = (MethodGolden.Values($"{name}.{of}.w3.row.asym"), MethodGolden.Values($"{name}.eora.{of}-w3.r4"), MethodGolden.Values($"{name}.W"));
            for (int i = 0; i < left.Data.Length; i++) left.Data[i] -= rounded.Data[i];
            var y = WeightedLowRank.Root(problem, InputWeighting.Gram, new bool[problem.Columns]);
            var (l, r) = WeightedLowRank.Factors(LinearAlgebra.TimesLower(left, y), y, 4);
            var product = LinearAlgebra.Multiply(l, r);
            double largest = golden.Data.ToArray().Max(Math.Abs);
            for (int i = 0; i < left.Data.Length; i++) Assert.Equal(golden.Data[i], rounded.Data[i] + product.Data[i], 1e-7 * largest);

            // W and the grids are floats here, and the factors halves.
            double expected = MethodGolden.RelativeError($"{name}.eora.{of}-w3.r4");
            Assert.Equal(expected, ProxyLoss.Relative(problem, new Corrected(inner, Rank: 4).Compress(problem)), 2e-3 * expected);
        }
    }

    /// <summary>The best product for the whole Gram matrix is at least as good as any other, and the more a norm knows of the inputs the better it is.</summary>
    [Theory, InlineData(2), InlineData(8), InlineData(20)]
    public void The_more_of_the_inputs_a_norm_knows_the_less_is_lost(int rank)
    {
        var mean = new double[4];
        for (int seed = 0; seed < 6; seed++)
        {
            var problem = Problem(40, 56, seed);
            double[] lost = [.. Norms.Select(n => ProxyLoss.Relative(problem, new Corrected(new RoundToNearest(new(2)), n, rank, Damping: 1e-6).Compress(problem)))];
            for (int n = 1; n < 4; n++) Assert.True(lost[0] <= lost[n], $"{lost[0]}, {Norms[n]} {lost[n]}");
            for (int n = 0; n < 4; n++) mean[n] += Math.Log(lost[n]);
        }
        // Of the diagonal norms that holds on the whole, not always; magnitude and root mean square are nearly the same.
        Assert.True(mean[1] <= mean[2] + 0.05 && Math.Max(mean[1], mean[2]) < mean[3], string.Join(", ", mean));
    }

    [Fact]
    public void A_correction_lowers_the_loss_and_more_of_it_lowers_it_more()
    {
        var problem = Some.Problem(48, 72, outlier: 30);
        foreach (Method inner in (Method[])[new RoundToNearest(new(2, 24)), new Gptq(new(2, 24)), new Incoherent(new Lattice(Passes: 1)), new Lordq(RankFraction: 0.5)])
        {
            double alone = Lost(problem, inner), four = Lost(problem, new Corrected(inner, Rank: 4)), twelve = Lost(problem, new Corrected(inner, Rank: 12));
            Assert.True(twelve < four && four < alone, $"{inner}: {alone}, {four}, {twelve}");
            double coarse = Lost(problem, new Corrected(inner, Rank: 12, FactorBits: 4));
            Assert.InRange(coarse, twelve, alone);
        }
    }

    [Fact]
    public void More_rounds_never_lose_more_and_can_lose_less()
    {
        double gain = 0;
        foreach (bool first in (bool[])[false, true])
            foreach (var problem in (LayerProblem[])[Some.Problem(40, 64), Some.Problem(40, 64, outlier: 25)])
            {
                var corrected = new Corrected(new Gptq(new(2, 32)), Rank: 10, FactorsFirst: first, Damping: 0);
                double[] lost = [.. Enumerable.Range(0, 3).Select(n => Lost(problem, corrected with { Rounds = n }))];
                for (int n = 1; n < 3; n++) Assert.True(lost[n] <= lost[n - 1] * (1 + 1e-5), string.Join(", ", lost));
                gain = Math.Max(gain, 1 - lost[2] / lost[0]);
            }
        Assert.InRange(gain, 0.01, 1);
    }

    /// <summary>The inner method sees weighted tokens and the factors plain ones, by which losses are measured, unless they are to see the same.</summary>
    [Fact]
    public void Factors_are_fitted_to_plain_tokens_unless_asked_otherwise()
    {
        var (plain, other) = (Some.Problem(24, 40, outlier: 30), Some.Problem(24, 40));
        var problem = plain with { Inputs = other.Inputs with { Plain = plain.Inputs.Gram } };
        var corrected = new Corrected(new RoundToNearest(new(2)), Rank: 6, Damping: 1e-6);
        Assert.Equal(Lost(plain, corrected), Lost(problem, corrected), 1e-9);
        Assert.True(Lost(problem, corrected with { Weighted = true }) > Lost(problem, corrected));
    }

    [Fact]
    public void A_correction_fits_into_rotated_coordinates_too()
    {
        var problem = Some.Problem(40, 96);
        double inside = Lost(problem, new Incoherent(new Corrected(new Lattice(Passes: 1), Rank: 8, FactorBits: 4)));
        Assert.InRange(inside, 0, Lost(problem, new Incoherent(new Lattice(Passes: 1))));
    }

    private static double Lost(LayerProblem problem, Method method) => ProxyLoss.Relative(problem, method.Compress(problem));

    // Inputs of sizes that differ by as much as ten, correlated, with their mean magnitudes.
    private static LayerProblem Problem(int rows, int columns, int seed)
    {
        int tokens = 5 * columns;
        var x = LinearAlgebra.Multiply(RandomMatrix.Gaussian(tokens, columns, 100 + seed), RandomMatrix.Gaussian(columns, columns, 200 + seed));
        var random = new Random(seed);
        double[] sizes = [.. Enumerable.Range(0, columns).Select(_ => Math.Pow(10, random.NextDouble()))];
        for (int t = 0; t < tokens; t++)
            for (int j = 0; j < columns; j++) x[t, j] *= sizes[j];
        var h = LinearAlgebra.TransposeMultiply(x, x);
        foreach (ref double v in h.Data) v /= tokens;
        double[] magnitudes = [.. Enumerable.Range(0, columns).Select(j => Enumerable.Range(0, tokens).Average(t => Math.Abs(x[t, j])))];
        return new("random", Some.Matrix(rows, columns, seed), new(tokens, h) { Magnitudes = magnitudes });
    }
}
