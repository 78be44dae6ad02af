using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Compression;

/// <summary>Rotations, CALDERA and ODLRI against what must hold in closed form (spec §10.1).</summary>
public class CalderaIdentityTests
{
    // A direction perturbed in any way loses more: R = L⁺ A is the best R for every positive definite H, though it does not know it.
    [Fact]
    public void The_right_factor_is_best_in_the_norm_of_any_Gram_matrix()
    {
        var (a, l, y) = (Wide(Some.Matrix(20, 24)), Wide(Some.Matrix(20, 4, 2)), Root(Some.Problem(20, 24)));
        var r = CalderaFactors.BestRight(a, l);
        // The gradient 2 Lᵀ (L R − A) H vanishes.
        var residual = LinearAlgebra.Multiply(l, r);
        for (int i = 0; i < a.Data.Length; i++) residual.Data[i] -= a.Data[i];
        var gradient = LinearAlgebra.TimesLower(LinearAlgebra.TransposeMultiply(l, residual), y);
        Assert.InRange(gradient.Data.ToArray().Max(Math.Abs), 0, 1e-9);
    }

    [Fact]
    public void Unrounded_factors_leave_the_tail_of_the_spectrum()
    {
        var problem = Some.Problem(40, 48);
        var (w, y) = (Wide(problem.Weight), Root(problem));
        var factors = CalderaFactors.Of(w, y, 6, 16, 1);
        double tail = Svd.Of(LinearAlgebra.TimesLower(w, y)).Values.Skip(6).Sum(s => s * s), left = 0;
        var product = factors.Product();
        for (int i = 0; i < w.Data.Length; i++) product.Data[i] -= w.Data[i];
        foreach (double v in LinearAlgebra.TimesLower(product, y).Data) left += v * v;
        Assert.Equal(tail, left, 1e-4 * tail); // factors are rounded to half floats
    }

    [Fact]
    public void ODLRI_begins_with_the_columns_of_the_strongest_inputs_and_nothing_else()
    {
        var problem = Some.Problem(16, 40, outlier: 50);
        var kept = new Caldera(8, Start: CalderaStart.Outliers, Outliers: 3).OutlierColumns(problem, 8);
        int[] strongest = [.. Enumerable.Range(0, 40).OrderByDescending(j => problem.Inputs.Gram[j, j]).Take(3)];
        Assert.Contains(3, strongest);
        for (int i = 0; i < 16; i++)
            for (int j = 0; j < 40; j++) Assert.Equal(strongest.Contains(j) ? problem.Weight[i, j] : 0, kept[i, j]);
    }

    [Theory, InlineData(CalderaStart.Quantize), InlineData(CalderaStart.LowRank), InlineData(CalderaStart.Outliers)]
    public void The_best_iterate_is_kept_and_factors_improve_on_the_lattice_alone(CalderaStart start)
    {
        var problem = Some.Problem(72, 96, outlier: 20);
        double Best(int iterations) => ProxyLoss.Relative(problem, new Caldera(16, FactorBits: 16, Iterations: iterations, Start: start, Passes: 1).Compress(problem));
        double alone = ProxyLoss.Relative(problem, new Incoherent(new Lattice(Passes: 1)).Compress(problem));
        double one = Best(1), three = Best(3);
        Assert.True(one < alone && three <= one * 1.01, $"{alone}, {one}, {three}"); // kept by the damped loss, measured by the plain one
    }

    [Theory, InlineData(CalderaCodes.Lattice), InlineData(CalderaCodes.Trellis)]
    public void Before_there_are_factors_Q_is_what_its_code_makes_alone(CalderaCodes codes)
    {
        var problem = Some.Problem(72, 40);
        var caldera = new Caldera(8, FactorBits: 16, Iterations: 1, Passes: 1, Codes: codes, StateBits: codes == CalderaCodes.Trellis ? 8 : 0);
        Linear Q(Method method) => ((TransformedLinear)method.Compress(problem)).Inner is SumLinear sum ? sum.Terms[0] : ((TransformedLinear)method.Compress(problem)).Inner;
        var (alone, within) = (Q(new Incoherent(caldera.Code)), Q(caldera));
        Assert.Equal(alone.Format, within.Format);
        Assert.Equal(alone.ToDense().Data.ToArray(), within.ToDense().Data.ToArray());
    }

    [Fact]
    public void Each_iteration_reports_its_scale_and_its_roles()
    {
        var notes = new List<string>();
        new Caldera(8, Iterations: 3, Passes: 0).Compress(Some.Problem(24, 40) with { Note = notes.Add });
        Assert.Equal(3, notes.Count);
        Assert.All(notes, n => Assert.Matches(@"iteration \d: error [0-9.e-]+, best [0-9.e-]+, scale [0-9.e-]+, \|QX\| / \|WX\| \d\.\d+, \|LRX\| / \|WX\| \d\.\d+", n));
    }

    [Fact]
    public void A_rotated_method_that_stores_everything_gives_the_weight_back()
    {
        var problem = Some.Problem(40, 96);
        var eight = new Incoherent(new RoundToNearest(new(8, 8))).Compress(problem);
        Assert.InRange(ProxyLoss.Relative(problem, eight), 1e-9, 1e-4);
    }

    [Fact]
    public void Rotation_saves_a_grid_from_outliers_in_the_weight()
    {
        var problem = Some.Problem(48, 96);
        for (int i = 0; i < 48; i++) problem.Weight[i, (7 * i) % 96] = 12;
        var grid = new GridFormat(3);
        double plain = ProxyLoss.Relative(problem, new RoundToNearest(grid).Compress(problem));
        Assert.InRange(ProxyLoss.Relative(problem, new Incoherent(new RoundToNearest(grid)).Compress(problem)), 0, plain / 2);
    }

    [Fact]
    public void A_budget_becomes_the_largest_rank_that_it_allows()
    {
        LayerShape[] layers = [new("a", 576, 576), new("b", 1536, 576)];
        double weights = layers.Sum(l => (double)l.Rows * l.Columns);
        var fitted = (Caldera)new Caldera(BitsPerWeight: 2.5).Fit(layers);
        double Bits(int rank) => layers.Sum((fitted with { Rank = rank }).PlannedBits) / weights;
        Assert.True(fitted.Rank % 8 == 0 && Bits(fitted.Rank) <= 2.5 * 1.005 && Bits(fitted.Rank + 8) > 2.5 * 1.005, $"{fitted.Rank}");
        Assert.Contains("from 2.", Assert.Throws<ArgumentException>(() => new Caldera(BitsPerWeight: 2).Fit(layers)).Message, StringComparison.Ordinal);
    }

    // Each half of a turn keeps what it had where what it found is worse.
    [Theory, InlineData(4, CalderaCodes.Lattice), InlineData(16, CalderaCodes.Lattice), InlineData(4, CalderaCodes.Trellis)]
    public void No_turn_raises_the_error(int factorBits, CalderaCodes codes)
    {
        var notes = new List<string>();
        var method = new Caldera(8, FactorBits: factorBits, Iterations: 6, FactorIterations: 3, Codes: codes);
        (codes == CalderaCodes.Trellis ? method with { StateBits = 8 } : method with { Passes = 3 }).Compress(Some.Problem(48, 80, outlier: 20) with { Note = notes.Add });
        double[] errors = [.. notes.Select(n => double.Parse(n.Split("error ")[1].Split(',')[0], System.Globalization.CultureInfo.InvariantCulture))];
        for (int t = 1; t < errors.Length; t++) Assert.True(errors[t] <= errors[t - 1] * 1.001, string.Join(", ", errors)); // printed with four digits
        Assert.True(errors[^1] < errors[0], string.Join(", ", errors));
    }

    [Fact]
    public void A_second_rotation_and_what_cannot_be_is_refused()
    {
        Assert.Throws<ArgumentException>(new Incoherent(new Caldera()).Validate);
        Assert.Throws<ArgumentException>(new Incoherent(new Incoherent(new Lattice())).Validate);
        Assert.Contains("not 5", Assert.Throws<ArgumentException>(new Lattice(5).Validate).Message, StringComparison.Ordinal);
        Assert.Contains("start with outliers", Assert.Throws<ArgumentException>(new Caldera(8, Outliers: 2).Validate).Message, StringComparison.Ordinal);
        Assert.Contains("method lattice", Assert.Throws<ArgumentException>(new Caldera(0).Validate).Message, StringComparison.Ordinal);
    }

    private static Matrix<double> Root(LayerProblem problem)
    {
        Assert.True(LinearAlgebra.TryCholesky(problem.Inputs.Gram, out var lower, out _));
        return lower;
    }

    private static Matrix<double> Wide(Matrix<float> m) => CalderaFactors.Wide(m);
}
