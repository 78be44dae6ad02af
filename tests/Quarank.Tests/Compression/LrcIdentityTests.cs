using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Compression;

/// <summary>LRC's equations (spec §4.2; §10.1, identity 8) on a random layer.</summary>
public class LrcIdentityTests
{
    private const int M = 24, N = 32, K = 5, Tokens = 400;

    // No damping: sums of this many tokens are well conditioned.
    private static readonly Lrc Exact = new(new Gptq(new(4, 0, GridOffset.None), Damping: 0), new(4), K, LrcRank.Fixed, Damping: 0);
    private readonly Matrix<float> _x = LinearAlgebra.Multiply(Some.Matrix(Tokens, N, 2), Some.Matrix(N, N, 3));
    private readonly LayerProblem _problem;
    private readonly LrcLayer _layer;

    public LrcIdentityTests()
    {
        _problem = Problem(InputRounder.Dynamic(new(4)));
        _layer = new LrcLayer(Exact, _problem, _problem.Inputs.Rounded!);
    }

    [Fact]
    public void J_is_the_mean_squared_error_over_the_tokens()
    {
        var (product, decoded) = (Wide(M, N, 7, 0.3), Wide(M, N, 8, 0.9));
        double sum = 0;
        var z = new float[N];
        for (int t = 0; t < Tokens; t++)
        {
            _problem.Inputs.Rounded!.Rounder.Round(_x.Row(t), z);
            for (int i = 0; i < M; i++)
            {
                double error = 0;
                for (int j = 0; j < N; j++) error += (_problem.Weight[i, j] - product[i, j]) * _x[t, j] - decoded[i, j] * z[j];
                sum += error * error;
            }
        }
        Assert.Equal(sum / Tokens, _layer.Loss(product, decoded), 1e-9 * sum / Tokens);
    }

    [Fact]
    public void The_weight_step_sees_all_of_J_that_depends_on_the_rounded_weight()
    {
        var product = Wide(M, N, 7, 0.3);
        var target = LinearAlgebra.Multiply(Minus(Wide(_problem.Weight), product), _problem.Inputs.Rounded!.Cross);
        Assert.True(LinearAlgebra.TryCholesky(_problem.Inputs.Rounded.Gram, out var lower, out _));
        LinearAlgebra.SolveLowerRight(lower, target, transpose: true);
        LinearAlgebra.SolveLowerRight(lower, target);
        double Rest(int seed)
        {
            var decoded = Wide(M, N, seed, 1);
            var left = LinearAlgebra.TimesLower(Minus(target, decoded), lower);
            return _layer.Loss(product, decoded) - left.Data.ToArray().Sum(v => v * v);
        }
        Assert.Equal(Rest(1), Rest(2), 1e-9 * Math.Abs(_layer.Loss(product, Wide(M, N, 1, 1))));
    }

    [Fact]
    public void No_change_of_the_factors_makes_the_low_rank_step_better()
    {
        var decoded = Wide(_layer.Weights(null).ToDense());
        // Half floats round the factors: against the exact optimum, and all perturbations against what is stored.
        var product = _layer.Factors(decoded).Product();
        double best = _layer.Loss(product, decoded);
        var top = TopRank.Factor(product, K);
        for (int seed = 0; seed < 20; seed++)
        {
            // (U + E) (V + F)ᵀ, E and F small: another product of the same rank.
            var (left, right) = (Wide(M, K, seed, 0.01), Wide(K, N, seed + 100, 0.01));
            for (int i = 0; i < left.Data.Length; i++) left.Data[i] += top.U.Data[i];
            for (int k = 0; k < K; k++)
                for (int j = 0; j < N; j++) right[k, j] += top.Values[k] * top.Vt[k, j];
            Assert.True(_layer.Loss(LinearAlgebra.Multiply(left, right), decoded) >= best * (1 - 1e-5));
        }
    }

    [Fact]
    public void The_start_leaves_the_eigenvalues_that_it_discards()
    {
        var rounded = _problem.Inputs.Rounded!;
        Assert.True(LinearAlgebra.TryCholesky(rounded.Gram, out var lower, out _));
        var half = rounded.Cross.Clone();
        LinearAlgebra.SolveLowerRight(lower, half, transpose: true);
        var unseen = Minus(_problem.Inputs.Gram, LinearAlgebra.MultiplyTransposed(half, half));
        var w = Wide(_problem.Weight);
        double[] values = SymmetricEigen.Values(LinearAlgebra.MultiplyTransposed(LinearAlgebra.Multiply(w, unseen), w));

        var product = _layer.Start().Product();
        var best = LinearAlgebra.Multiply(Minus(w, product), rounded.Cross);
        LinearAlgebra.SolveLowerRight(lower, best, transpose: true);
        LinearAlgebra.SolveLowerRight(lower, best);
        double expected = values[K..].Sum();
        Assert.Equal(expected, _layer.Loss(product, best), 1e-4 * expected);     // factors are half floats
    }

    [Fact]
    public void With_unrounded_inputs_it_starts_from_nothing_and_corrects_the_weight_alone()
    {
        // 8 bits of integers up to 127 round to themselves.
        foreach (ref float v in _x.Data) v = MathF.Round(v);
        for (int t = 0; t < Tokens; t++) _x[t, t % N] = t % 2 == 0 ? 127 : -127;
        var problem = Problem(InputRounder.Dynamic(new(8)));
        var rounded = problem.Inputs.Rounded!;
        Assert.Equal(problem.Inputs.Gram.Data.ToArray(), rounded.Gram.Data.ToArray());
        var layer = new LrcLayer(Exact with { Input = new(8) }, problem, rounded);
        var decoded = Wide(layer.Weights(null).ToDense());
        var residual = Minus(Wide(problem.Weight), decoded);
        Assert.True(LinearAlgebra.TryCholesky(problem.Inputs.Gram, out var lower, out _));
        var top = TopRank.Factor(LinearAlgebra.TimesLower(residual, lower), K);
        // The whitened SVD of W − Ŵ: its tail is all that is left.
        double tail = top.Energy - top.Values.Sum(v => v * v);
        Assert.Equal(tail, layer.Loss(layer.Factors(decoded).Product(), decoded), 1e-4 * tail);
        Assert.Equal(new Gptq(new(4, 0, GridOffset.None), Damping: 0).Compress(problem).ToDense().Data.ToArray(), layer.Weights(null).ToDense().Data.ToArray());
    }

    [Fact]
    public void It_beats_a_plain_correction_of_the_same_bytes_which_beats_none()
    {
        double Loss(Method method) => ProxyLoss.Relative(_problem, method.Compress(_problem));
        var grid = new Gptq(new(4, 0, GridOffset.None));
        double none = Loss(new RoundedInputs(grid, new(4))), plain = Loss(new Corrected(new RoundedInputs(grid, new(4)), Rank: K)), lrc = Loss(new Lrc(grid, new(4), K, LrcRank.Fixed));
        Assert.True(plain < none && lrc < plain, $"{none} {plain} {lrc}");
    }

    [Fact]
    public void Fitted_to_the_weights_it_is_the_plain_SVD_of_what_rounding_took_in_the_same_bytes()
    {
        var plain = Exact with { FitTo = LrcFit.Weights };
        var sum = Assert.IsType<SumLinear>(plain.Compress(_problem));
        Matrix<double> w = Wide(_problem.Weight), rounded = Wide(Exact.Inner.Compress(_problem).ToDense());
        var (unrounded, grid) = RoundedLoss.Parts(sum);
        Assert.Equal(rounded.Data.ToArray(), Wide(grid!).Data.ToArray());
        var left = Minus(w, rounded);
        var top = TopRank.Factor(left, K);
        double tail = top.Energy - top.Values.Sum(v => v * v), actual = Minus(left, Wide(unrounded!)).Data.ToArray().Sum(v => v * v);
        Assert.Equal(tail, actual, 1e-3 * tail);     // factors are half floats
        Assert.Equal(Exact.Compress(_problem).Bits, sum.Bits);
        Assert.Equal(Exact.PlannedBits(new("", M, N)), sum.Bits);
        Assert.True(ProxyLoss.Relative(_problem, Exact.Compress(_problem)) < ProxyLoss.Relative(_problem, sum));
    }

    [Fact]
    public void The_measured_error_is_that_of_the_layer_on_the_tokens()
    {
        foreach (Method method in (Method[])[new Lrc(new Gptq(new(4)), new(4), K, LrcRank.Fixed), new RoundedInputs(new RoundToNearest(new(4)), new(4))])
        {
            var layer = method.Compress(_problem);
            var (y, exact) = (layer.Apply(_x), LinearAlgebra.MultiplyTransposed(_x, _problem.Weight));
            double error = 0, size = 0;
            for (int i = 0; i < exact.Data.Length; i++) (error, size) = (error + Math.Pow(exact.Data[i] - y.Data[i], 2), size + Math.Pow(exact.Data[i], 2));
            Assert.Equal(error / size, ProxyLoss.Relative(_problem, layer), 1e-4 * error / size);
        }
    }

    [Fact]
    public void What_cannot_be_is_refused()
    {
        Assert.Contains("not 3", Assert.Throws<ArgumentException>((Exact with { FactorBits = 3 }).Validate).Message, StringComparison.Ordinal);
        Assert.Contains("share", Assert.Throws<ArgumentException>((Exact with { RankOf = LrcRank.Width }).Validate).Message, StringComparison.Ordinal);
        Assert.Contains("static", Assert.Throws<ArgumentException>((Exact with { Input = new(8, Static: true) }).Validate).Message, StringComparison.Ordinal);
        Assert.Contains("transform", Assert.Throws<ArgumentException>(new Incoherent(Exact).Validate).Message, StringComparison.Ordinal);
        Assert.Contains("iterations", Assert.Throws<ArgumentException>((Exact with { FitTo = LrcFit.Weights, Iterations = 2 }).Validate).Message, StringComparison.Ordinal);
        Assert.Contains("8 bits", Assert.Throws<ArgumentException>(() => (Exact with { Input = new(8) }).Compress(_problem)).Message, StringComparison.Ordinal);
    }

    private LayerProblem Problem(InputRounder rounder)
    {
        var wide = Wide(_x);
        var gram = LinearAlgebra.TransposeMultiply(wide, wide);
        foreach (ref double v in gram.Data) v /= Tokens;
        return new("sample", Some.Matrix(M, N, 5), new(Tokens, gram) { Rounded = Some.Rounded(_x, rounder) });
    }

    private static Matrix<double> Wide(Matrix<float> a) => new(a.Rows, a.Columns, [.. a.Data.ToArray().Select(v => (double)v)]);

    private static Matrix<double> Wide(int rows, int columns, int seed, double scale)
    {
        var wide = Wide(Some.Matrix(rows, columns, seed + 20));
        foreach (ref double v in wide.Data) v *= scale;
        return wide;
    }

    private static Matrix<double> Minus(Matrix<double> a, Matrix<double> b)
    {
        var d = a.Clone();
        for (int i = 0; i < d.Data.Length; i++) d.Data[i] -= b.Data[i];
        return d;
    }
}
