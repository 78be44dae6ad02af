using Quarank.Numerics.Kernels;
using Xunit;

namespace Quarank.Tests.Numerics;

public sealed class ActivationTests
{
    [Fact]
    public void The_exponential_is_within_two_units_in_the_last_place()
    {
        var x = Enumerable.Range(0, 400_000).Select(i => -103f + i * 5e-4f).Where(v => v < 88.7f).ToArray();
        x = x[..(x.Length / 8 * 8)];
        var e = (float[])x.Clone();
        ActivationKernels.Exp(e);
        double worst = 0;
        for (int i = 0; i < x.Length; i++)
        {
            double exact = Math.Exp(x[i]);
            double unit = Math.Max(float.Epsilon, Math.ScaleB(1, (int)Math.Floor(Math.Log2(exact)) - 23));
            worst = Math.Max(worst, Math.Abs(e[i] - exact) / unit);
        }
        Assert.InRange(worst, 0, 2);
    }

    [Fact]
    public void The_exponential_knows_its_limits()
    {
        float[] x = [0, float.NegativeInfinity, float.PositiveInfinity, float.NaN, 200, -200, -0f, 1];
        ActivationKernels.Exp(x);
        Assert.Equal([1, 0, float.PositiveInfinity, float.NaN, float.PositiveInfinity, 0, 1], x[..7]);
        Assert.Equal(MathF.E, x[7], 3e-7f);
    }

    [Fact]
    public void Soft_max_agrees_with_double_precision_at_every_length()
    {
        var random = new Random(1);
        for (int n = 1; n < 80; n++)
        {
            var x = Enumerable.Range(0, n).Select(_ => 40 * random.NextSingle() - 20).ToArray();
            var exact = x.Select(v => Math.Exp(v - (double)x.Max())).ToArray();
            double sum = exact.Sum();
            ActivationKernels.SoftMax(x);
            for (int i = 0; i < n; i++) Assert.Equal(exact[i] / sum, x[i], 4e-6 * exact[i] / sum); // x − max rounds at 40: ε·40 = 2.4e-6
            Assert.Equal(1, x.Sum(), 1e-6f);
        }
    }

    [Fact]
    public void Masked_scores_get_nothing_and_large_ones_do_not_overflow()
    {
        float[] x = [.. Enumerable.Repeat(float.NegativeInfinity, 20), 1e30f, 1e30f, .. Enumerable.Repeat(-1e30f, 9)];
        ActivationKernels.SoftMax(x);
        Assert.Equal(0.5f, x[20]);
        Assert.Equal(0.5f, x[21]);
        Assert.Equal(1, x.Sum());
    }

    [Fact]
    public void Exponentiate_scales_and_agrees_with_its_scalar_twin()
    {
        var random = new Random(2);
        for (int n = 0; n < 70; n++)
        {
            var x = Enumerable.Range(0, n).Select(_ => 10 * random.NextSingle()).ToArray();
            var twin = (float[])x.Clone();
            float sum = ActivationKernels.Exponentiate(x, 0.125f);
            Assert.Equal(n == 0 ? 0 : ActivationKernels.ExponentiateScalar(twin, 0.125f), sum, 1e-6f * n);
            for (int i = 0; i < n; i++) Assert.Equal(twin[i], x[i], 4e-7f);
        }
    }

    [Fact]
    public void Gated_inputs_agree_with_the_scalar_twin_at_every_length_and_in_place()
    {
        var random = new Random(3);
        for (int n = 0; n < 70; n++)
        {
            var gate = Enumerable.Range(0, n).Select(i => i % 11 == 3 ? -300f : 30 * random.NextSingle() - 15).ToArray();
            var up = Enumerable.Range(0, n).Select(_ => random.NextSingle() - 0.5f).ToArray();
            var expected = new float[n];
            ActivationKernels.SiluMultiplyScalar(gate, up, expected);
            ActivationKernels.SiluMultiply(gate, up, gate);
            for (int i = 0; i < n; i++) Assert.Equal(expected[i], gate[i], 1e-6f * Math.Abs(expected[i]) + 1e-30f);
        }
        Assert.Throws<ArgumentException>(() => ActivationKernels.SiluMultiply(new float[3], new float[3], new float[2]));
    }
}
