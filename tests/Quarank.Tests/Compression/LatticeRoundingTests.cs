using Quarank.Compression;
using Quarank.Compression.Rounding;
using Quarank.Numerics;
using Quarank.Numerics.Lattice;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Compression;

/// <summary>Block LDLQ against an independent program and against what it must be in closed form.</summary>
public class LatticeRoundingTests
{
    [Theory, InlineData(0), InlineData(2)]
    public void Rounds_as_the_golden_program_does(int passes)
    {
        var (w, h) = (MethodGolden.Values("ldlq.W"), MethodGolden.Values("ldlq.H"));
        var golden = MethodGolden.Values($"ldlq.e8p.passes{passes}");
        double sum = 0;
        foreach (double v in w.Data) sum += v * v;
        double scale = Math.Sqrt(sum / w.Data.Length) / 1.03;
        var (_, values) = Round(h, Single(w, scale), 2, passes, nearest: true);
        for (int i = 0; i < golden.Data.Length; i++) Assert.Equal(golden.Data[i] / scale, values.Data[i], 1e-9);
    }

    [Theory, InlineData(2), InlineData(3), InlineData(4)]
    public void On_white_inputs_it_is_plain_rounding(int bits)
    {
        var h = new Matrix<double>(45, 45);
        for (int i = 0; i < 45; i++) h[i, i] = 2;
        var (w, book) = (Some.Matrix(5, 45), LatticeBook.Of(bits));
        var (codes, values) = Round(h, w, bits, passes: 1, nearest: true);
        var (x, rounded) = (new float[8], new float[8]);
        for (int i = 0; i < 5; i++)
            for (int g = 0; g < 6; g++)
            {
                for (int j = 0; j < 8; j++) x[j] = g * 8 + j < 45 ? w[i, g * 8 + j] : 0;
                Assert.Equal(book.Round(x, rounded), codes[i * 6 + g]);
                for (int j = 0; j < Math.Min(8, 45 - g * 8); j++) Assert.Equal(rounded[j], values[i, g * 8 + j]);
            }
    }

    // tr(E H Eᵀ) = Σ_k tr(Δ_k D_k Δ_kᵀ) with Δ_k the rounding errors alone: H = L D Lᵀ is what the feedback is made of.
    [Fact]
    public void Feedback_leaves_only_the_rounding_errors_of_each_group()
    {
        var problem = Some.Problem(100, 200); // two panels, two pieces of rows
        var h = problem.Inputs.Gram;
        var lower = new Matrix<double>(200, 200);
        for (int i = 0; i < 200; i++) h.Row(i)[..(i + 1)].CopyTo(lower.Row(i));
        Assert.True(LinearAlgebra.TryCholeskyInPlace(lower, out _));
        var (_, values) = Round(h, problem.Weight, 2, passes: 0);
        var (w, feedback) = (Wide(problem.Weight), BlockFeedback.Of(Undamped(h), 8, false).Feedback!);
        double sum = 0;
        for (int i = 0; i < 100; i++)
            for (int g = 0; g < 25; g++)
            {
                var delta = new double[8];
                for (int j = 0; j < 8; j++)
                {
                    delta[j] = w[i, g * 8 + j] - values[i, g * 8 + j];
                    for (int t = (g + 1) * 8; t < 200; t++) delta[j] += (w[i, t] - values[i, t]) * feedback.Upper[g * 8 + j, t];
                }
                for (int j = 0; j < 8; j++)
                {
                    double part = 0;
                    for (int t = j; t < 8; t++) part += delta[t] * lower[g * 8 + t, g * 8 + j];
                    sum += part * part;
                }
            }
        double loss = Loss(w, values, h);
        Assert.Equal(loss, sum, 1e-4 * loss); // L is kept in float
    }

    // In the norm of H, never of the damped one's float rounding alone: a pass takes a point only where it loses less.
    [Theory, InlineData(2), InlineData(3)]
    public void No_pass_raises_the_loss_and_choosing_in_the_norm_of_H_lowers_it(int bits)
    {
        var problem = Some.Problem(40, 96, outlier: 30);
        var w = Wide(problem.Weight);
        double Lost(int passes, bool nearest) => Loss(w, Round(problem.Inputs.Gram, problem.Weight, bits, passes, nearest).Values, problem.Inputs.Gram);
        double[] losses = [.. Enumerable.Range(0, 6).Select(passes => Lost(passes, false))];
        for (int i = 1; i < losses.Length; i++) Assert.True(losses[i] <= losses[i - 1] * (1 + 1e-6), string.Join(", ", losses));
        Assert.True(losses[0] < Lost(0, true) && losses[5] < Lost(5, true), $"{losses[0]}, {losses[5]}");
    }

    // Rows that share what is stored take their choices together, so that a pass never raises their common loss.
    [Fact]
    public void Any_rounder_gets_the_same_feedback()
    {
        var problem = Some.Problem(37, 50);
        var (h, w) = (problem.Inputs.Gram, problem.Weight);
        var feedback = BlockFeedback.Of(Undamped(h), 1, true).Feedback!;
        // Whole numbers, a column at a time: LDLQ from the last column to the first.
        var (_, values) = new BlockRounding(new WholeNumbers(), feedback, 0).Round(w);
        Assert.True(LinearAlgebra.TryCholesky(h, out var lower, out int _));
        for (int i = 0; i < 37; i++)
            for (int j = 49; j >= 0; j--)
            {
                double z = w[i, j];
                for (int t = j + 1; t < 50; t++) z += ((double)w[i, t] - values[i, t]) * lower[t, j] / lower[j, j];
                Assert.InRange(Math.Abs(values[i, j] - z), 0, 0.5 + 1e-4);
            }
        double Lost(int passes) => Loss(Wide(w), new BlockRounding(new WholeNumbers(16), feedback, passes).Round(w).Values, h);
        Assert.True(Lost(3) <= Lost(0));
    }

    private sealed class WholeNumbers(int together = 1) : IBlockRounder
    {
        public int Width => 1;
        public int Rows => together;
        public int Choices => 1;
        public bool Weighs => true;

        public void Round(ReadOnlySpan<float> target, int stride, int count, ReadOnlySpan<float> root, Span<float> values, Span<ulong> codes)
        {
            for (int r = 0; r < count; r++) (values[r], codes[r]) = (MathF.Round(target[r]), (ulong)(long)MathF.Round(target[r]));
        }
    }

    private static (ulong[] Codes, Matrix<float> Values) Round(Matrix<double> h, Matrix<float> w, int bits, int passes, bool nearest = false) =>
        new BlockRounding(new LatticeBlocks(LatticeBook.Of(bits), nearest), BlockFeedback.Of(Undamped(h), 8, passes > 0).Feedback!, passes, nearest).Round(w);

    private static Damped Undamped(Matrix<double> h) => new(h, [.. Enumerable.Range(0, h.Rows).Select(i => h[i, i])]);

    private static double Loss(Matrix<double> w, Matrix<float> values, Matrix<double> h)
    {
        var d = w.Clone();
        for (int i = 0; i < d.Data.Length; i++) d.Data[i] -= values.Data[i];
        return LinearAlgebra.Trace(LinearAlgebra.MultiplyTransposed(LinearAlgebra.Multiply(d, h), d));
    }

    private static Matrix<float> Single(Matrix<double> m, double scale) => new(m.Rows, m.Columns, [.. m.Data.ToArray().Select(v => (float)(v / scale))]);

    private static Matrix<double> Wide(Matrix<float> m) => new(m.Rows, m.Columns, [.. m.Data.ToArray().Select(v => (double)v)]);
}
