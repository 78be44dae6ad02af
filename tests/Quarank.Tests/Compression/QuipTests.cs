using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Compression;

/// <summary>QuIP's rounding against GPTQ and against what its greedy passes promise.</summary>
public class QuipTests
{
    // LDLQ is GPTQ (Chee et al. 2023, theorem 6): from the last column to the first, as GPTQ with the inverse of H reversed.
    [Fact]
    public void Feedback_alone_gives_the_codes_of_GPTQ_from_the_last_column_to_the_first()
    {
        const int rows = 20, n = 60;
        var problem = Some.Problem(rows, n, outlier: 10);
        var h = problem.Inputs.Gram;
        var feedback = BlockFeedback.Of(new(h, [.. Enumerable.Range(0, n).Select(i => h[i, i])]), 1, false).Feedback!;
        var (_, values) = new BlockRounding(new EvenLevels(3), feedback, 0).Round(problem.Weight);

        // GPTQ as printed on the columns in reverse: H⁻¹, each error spread over the columns to come, the column struck out.
        var inverse = new Matrix<double>(n, n);
        for (int i = 0; i < n; i++) inverse[i, i] = 1;
        Assert.True(LinearAlgebra.TryCholesky(h, out var lower, out _));
        LinearAlgebra.SolveLower(lower, inverse);
        LinearAlgebra.SolveLower(lower, inverse, transpose: true);
        for (int i = 0; i < rows; i++)
        {
            var left = inverse.Clone();
            double[] w = [.. problem.Weight.Row(i).ToArray().Select(v => (double)v)];
            for (int j = n - 1; j >= 0; j--)
            {
                double q = Math.Round(Math.Clamp(w[j], -3.5, 3.5) + 3.5) - 3.5, error = (w[j] - q) / left[j, j];
                Assert.Equal(q, values[i, j]);
                for (int k = 0; k < j; k++) w[k] -= error * left[j, k];
                for (int a = 0; a < j; a++)
                    for (int b = 0; b < j; b++) left[a, b] -= left[a, j] * left[j, b] / left[j, j];
            }
        }
    }

    [Fact]
    public void Greedy_passes_never_raise_the_loss()
    {
        var problem = Some.Problem(40, 96, outlier: 20);
        double Lost(int passes) => ProxyLoss.Relative(problem, new Quip(2, passes).Compress(problem));
        double[] losses = [Lost(0), Lost(1), Lost(5), Lost(20)];
        for (int i = 1; i < losses.Length; i++) Assert.True(losses[i] <= losses[i - 1] * 1.01, string.Join(", ", losses)); // passes see the damped H, this the plain one, with steps fitted anew
        Assert.True(losses[^1] < losses[0], string.Join(", ", losses));
    }

    [Fact]
    public void Rotation_saves_it_from_outliers_whichever_kind_it_is()
    {
        var problem = Some.Problem(48, 96);
        for (int i = 0; i < 48; i++) problem.Weight[i, 7 * i % 96] = 12;
        double plain = ProxyLoss.Relative(problem, new Quip(3).Compress(problem));
        foreach (var kind in Enum.GetValues<RotationKind>())
            Assert.InRange(ProxyLoss.Relative(problem, new Incoherent(new Quip(3), kind).Compress(problem)), 0, plain / 2);
    }
}
