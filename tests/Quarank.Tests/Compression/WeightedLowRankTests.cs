using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Tests.Support;
using Xunit;
using Dense = MathNet.Numerics.LinearAlgebra.Matrix<double>;

namespace Quarank.Tests.Compression;

/// <summary>The low-rank primitive and the methods that store a product alone, against what must hold in closed form (spec §10.1) and the goldens.</summary>
public class WeightedLowRankTests
{
    private static readonly LayerProblem Plain = Some.Problem(30, 44), Tall = Some.Problem(60, 28);

    /// <summary>Identities 1 and 12: the roots by eigenvectors (EoRA), the symmetric root (QERA-exact) and Cholesky's (SVD-LLM) give one product.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public void Every_root_gives_the_same_product(bool tall)
    {
        var problem = tall ? Tall : Plain;
        var (h, w) = (Dense.Build.Dense(problem.Columns, problem.Columns, (i, j) => problem.Inputs.Gram[i, j]), Wide(problem.Weight));
        var (l, r) = WeightedLowRank.Factors(LinearAlgebra.TimesLower(w, Root(problem)), Root(problem), 7);
        var ours = LinearAlgebra.Multiply(l, r);

        var eigen = h.Evd(MathNet.Numerics.LinearAlgebra.Symmetricity.Symmetric);
        var root = Dense.Build.DenseDiagonal(problem.Columns, problem.Columns, i => Math.Sqrt(eigen.EigenValues[i].Real));
        Dense[] roots = [eigen.EigenVectors * root, eigen.EigenVectors * root * eigen.EigenVectors.Transpose()];
        foreach (var y in roots)
        {
            var svd = (Dense.Build.Dense(w.Rows, w.Columns, (i, j) => w[i, j]) * y).Svd();
            var product = svd.U.SubMatrix(0, w.Rows, 0, 7) * Dense.Build.DenseDiagonal(7, 7, i => svd.S[i]) * svd.VT.SubMatrix(0, 7, 0, w.Columns) * y.Inverse();
            for (int i = 0; i < w.Rows; i++)
                for (int j = 0; j < w.Columns; j++) Assert.Equal(product[i, j], ours[i, j], 1e-8);
        }
    }

    /// <summary>Identity 2.</summary>
    [Fact]
    public void The_right_factor_is_orthogonal_in_the_norm_of_the_inputs_and_the_tail_of_the_spectrum_is_lost()
    {
        var (w, y) = (Wide(Plain.Weight), Root(Plain));
        var s = LinearAlgebra.TimesLower(w, y);
        var (l, r) = WeightedLowRank.Factors(s, y, 5);
        double[] values = Svd.Of(s).Values;
        var ry = LinearAlgebra.TimesLower(r, y);
        var gram = LinearAlgebra.MultiplyTransposed(ry, ry);
        for (int i = 0; i < 5; i++)
            for (int j = 0; j < 5; j++) Assert.Equal(i == j ? values[i] * values[i] : 0, gram[i, j], 1e-9 * values[0] * values[0]);
        double tail = values.Skip(5).Sum(v => v * v);
        Assert.Equal(tail, Loss(w, LinearAlgebra.Multiply(l, r), y), 1e-9 * tail);
    }

    [Theory, InlineData("wide"), InlineData("tall"), InlineData("long")]
    public void The_product_is_the_golden_one(string name)
    {
        var problem = MethodGolden.Problem(name);
        foreach (var (weighting, golden) in new[] { (InputWeighting.Gram, "whitened"), (InputWeighting.None, "plain") })
        {
            var y = WeightedLowRank.Root(problem, weighting, new bool[problem.Columns]);
            var (l, r) = WeightedLowRank.Factors(LinearAlgebra.TimesLower(MethodGolden.Values($"{name}.W"), y), y, 6);
            AssertNear(MethodGolden.Values($"{name}.svd.{golden}.r6"), LinearAlgebra.Multiply(l, r), 1e-8);
            // Half floats: 2⁻¹¹ of the factors, squared, on top of what is lost.
            double expected = MethodGolden.RelativeError($"{name}.svd.{golden}.r6");
            Assert.Equal(expected, ProxyLoss.Relative(problem, new LowRank(weighting, Rank: 6).Compress(problem)), 1e-3 * expected);
        }
    }

    /// <summary>SVD-LLM's update solves for L once more on the inputs that the compressed layers before it give. Calibrated on those, there is nothing left to solve.</summary>
    [Fact]
    public void Least_squares_on_the_same_inputs_changes_nothing()
    {
        var (w, y) = (Wide(Plain.Weight), Root(Plain));
        var s = LinearAlgebra.TimesLower(w, y);
        var (l, r) = WeightedLowRank.Factors(s, y, 6);
        AssertNear(l, CalderaFactors.BestLeft(s, r, y), 1e-8);
    }

    /// <summary>Identity 11.</summary>
    [Fact]
    public void Two_steps_in_one_norm_are_one_step()
    {
        var one = new LowRank(Rank: 12);
        double once = ProxyLoss.Relative(Plain, one.Compress(Plain));
        double twice = ProxyLoss.Relative(Plain, (one with { ResidualShare = 0.5, ResidualWeighting = InputWeighting.Gram }).Compress(Plain));
        double otherwise = ProxyLoss.Relative(Plain, (one with { ResidualShare = 0.5, ResidualWeighting = InputWeighting.None }).Compress(Plain));
        Assert.Equal(once, twice, 1e-3 * once);
        Assert.True(otherwise > once * 1.01);
    }

    [Fact]
    public void Magnitudes_scale_inputs_as_their_power_says()
    {
        double[] sizes = [.. Enumerable.Range(0, 44).Select(j => 1.0 + j % 7)];
        var problem = Plain with { Inputs = Plain.Inputs with { Magnitudes = sizes } };
        var y = WeightedLowRank.Root(problem, InputWeighting.Magnitude, new bool[44], 0.5);
        for (int j = 0; j < 44; j++) Assert.Equal(Math.Sqrt(sizes[j]), y[j, j], 1e-12);
        // The best product of the scaled matrix, scaled back.
        var (l, r) = WeightedLowRank.Factors(LinearAlgebra.TimesLower(Wide(problem.Weight), y), y, 5);
        var scaled = Wide(problem.Weight);
        for (int i = 0; i < 30; i++)
            for (int j = 0; j < 44; j++) scaled[i, j] *= Math.Sqrt(sizes[j]);
        var svd = Svd.Of(scaled);
        var product = LinearAlgebra.Multiply(l, r);
        for (int i = 0; i < 30; i++)
            for (int j = 0; j < 44; j++)
                Assert.Equal(Enumerable.Range(0, 5).Sum(k => svd.U[i, k] * svd.Values[k] * svd.Vt[k, j]) / Math.Sqrt(sizes[j]), product[i, j], 1e-9);
    }

    [Fact]
    public void What_stands_in_for_unknown_magnitudes_is_told()
    {
        var notes = new List<string>();
        new LowRank(InputWeighting.Magnitude, Rank: 4).Compress(Plain with { Note = notes.Add });
        Assert.Contains("root mean squares stand in", Assert.Single(notes), StringComparison.Ordinal);
    }

    /// <summary>Fewer tokens than inputs: the Gram matrix has no inverse, and without damping no root.</summary>
    [Theory, InlineData(0), InlineData(0.01)]
    public void A_singular_Gram_matrix_is_damped_and_told(double damping)
    {
        var x = Wide(Some.Matrix(9, 40, 3));
        var notes = new List<string>();
        var problem = new LayerProblem("few", Some.Matrix(24, 40), new(9, LinearAlgebra.TransposeMultiply(x, x)), Note: notes.Add);
        foreach (Method method in (Method[])[new LowRank(Rank: 9, Damping: damping), new Corrected(new RoundToNearest(new(2)), Rank: 9, Damping: damping)])
        {
            notes.Clear();
            var layer = method.Compress(problem);
            Assert.All(layer.ToDense().Data.ToArray(), v => Assert.True(float.IsFinite(v)));
            Assert.InRange(ProxyLoss.Relative(problem, layer), 0, 0.01);   // nine components for nine tokens
            Assert.Equal(damping == 0, notes.Any(n => n.Contains("damping raised", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void Coarser_factors_lose_more_and_groups_less()
    {
        double Lost(int bits, int group) => ProxyLoss.Relative(Plain, new LowRank(Rank: 14, FactorBits: bits, FactorGroupSize: group).Compress(Plain));
        Assert.True(Lost(16, 0) < Lost(8, 0) && Lost(8, 0) < Lost(4, 0) && Lost(4, 0) < Lost(2, 0));
        Assert.True(Lost(3, 8) < Lost(3, 0));
    }

    [Fact]
    public void Budgets_are_met_by_all_layers_together()
    {
        LayerShape[] layers = [new("q", 576, 576), new("k", 192, 576), new("up", 1536, 576), new("down", 576, 1536)];
        double weights = layers.Sum(l => (double)l.Rows * l.Columns);
        foreach (Method method in (Method[])[new LowRank(), new LowRank(InputWeighting.None, FactorBits: 4), new Lplr(), new Corrected(new Gptq(new(2)), BitsPerWeight: 3, FactorBits: 4)])
            foreach (double bits in (double[])[3, 4.25])
                Assert.InRange(layers.Sum(method.AtBitsPerWeight(bits, layers)!.Fit(layers).PlannedBits) / weights, bits * 0.985, bits);
        Assert.Null(new Corrected(new Gptq(new(3)), BitsPerWeight: 3).AtBitsPerWeight(2.5, layers));
        Assert.InRange(layers.Sum(new Corrected(new Gptq(new(3)), FactorBits: 4).AtBitsPerWeight(3.5, layers)!.PlannedBits) / weights, 3.4, 3.5 * 1.005);
        Assert.Contains("too few", Assert.Throws<ArgumentException>(() => new LowRank(BitsPerWeight: 0.01).Fit(layers)).Message, StringComparison.Ordinal);
        Assert.Contains("what is beside it", Assert.Throws<ArgumentException>(() => new Corrected(new Gptq(new(3)), BitsPerWeight: 3).Fit(layers)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_sketch_nears_the_best_product_as_it_is_multiplied()
    {
        double best = Error(new LowRank(InputWeighting.None, Rank: 8)), none = Error(new Lplr(Rank: 8, LeftBits: 16, RightBits: 16));
        double four = Error(new Lplr(Rank: 8, LeftBits: 16, RightBits: 16, PowerIterations: 8)), exact = Error(new Lplr(Rank: 8, LeftBits: 16, RightBits: 16, Sketched: false));
        Assert.True(best < four && four < none, $"{best}, {four}, {none}");
        Assert.Equal(best, exact, 1e-3 * best);
        Assert.True(Error(new Lplr(Rank: 8, LeftBits: 3, RightBits: 3, Parts: 4, Sketched: false)) < Error(new Lplr(Rank: 8, LeftBits: 3, RightBits: 3, Sketched: false)));

        double Error(Method m)
        {
            var decoded = m.Compress(Plain).ToDense();
            double sum = 0;
            for (int i = 0; i < decoded.Data.Length; i++) sum += Math.Pow(decoded.Data[i] - Plain.Weight.Data[i], 2);
            return sum;
        }
    }

    [Fact]
    public void What_is_kept_is_half_floats_or_finite_bfloat16()
    {
        var weight = Some.Matrix(3, 8);
        var halves = new Keep().Compress(new("w", weight, Plain.Inputs)).ToDense();
        for (int i = 0; i < 24; i++) Assert.Equal((float)(Half)weight.Data[i], halves.Data[i]);
        (weight.Data[5], weight.Data[6]) = (1e6f, float.MaxValue);
        var wide = new Keep().Compress(new("w", weight, Plain.Inputs)).ToDense();
        for (int i = 0; i < 24; i++) Assert.Equal(weight.Data[i], wide.Data[i], Math.Abs(weight.Data[i]) / 128);
    }

    private static Matrix<double> Root(LayerProblem problem) => WeightedLowRank.Root(problem, InputWeighting.Gram, new bool[problem.Columns], damping: 0);

    private static Matrix<double> Wide(Matrix<float> m) => CalderaFactors.Wide(m);

    private static double Loss(Matrix<double> w, Matrix<double> approximation, Matrix<double> y)
    {
        var left = w.Clone();
        for (int i = 0; i < left.Data.Length; i++) left.Data[i] -= approximation.Data[i];
        double sum = 0;
        foreach (double v in LinearAlgebra.TimesLower(left, y).Data) sum += v * v;
        return sum;
    }

    private static void AssertNear(Matrix<double> expected, Matrix<double> actual, double tolerance)
    {
        double largest = expected.Data.ToArray().Max(Math.Abs);
        for (int i = 0; i < expected.Data.Length; i++) Assert.Equal(expected.Data[i], actual.Data[i], tolerance * largest);
    }
}
