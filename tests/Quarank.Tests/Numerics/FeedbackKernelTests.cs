using Quarank.Numerics.Kernels;
using Xunit;

namespace Quarank.Tests.Numerics;

public sealed class FeedbackKernelTests
{
    private static float[] Random(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
    }

    [Theory, InlineData(0, 10), InlineData(1, 1), InlineData(3, 7), InlineData(17, 64), InlineData(128, 75), InlineData(40, 150)]
    public void Errors_add_up_as_their_scalar_twin_adds_them(int columns, int rows)
    {
        int stride = rows + 5;
        var (factors, errors, ours) = (Random(columns, 1), Random(columns * stride + rows, 2), Random(rows, 3));
        float[] twin = [.. ours];
        FeedbackKernels.Accumulate(factors, errors, stride, ours);
        FeedbackKernels.AccumulateScalar(factors, errors, stride, twin);
        Assert.Equal(twin, ours);
    }

    [Fact]
    public void Too_few_errors_are_refused() =>
        Assert.Throws<ArgumentException>(() => FeedbackKernels.Accumulate(new float[3], new float[29], 10, new float[10]));

    [Theory, InlineData(1), InlineData(6), InlineData(64)]
    public void Values_round_as_their_scalar_twin_rounds_them(int rows)
    {
        int stride = rows + 2;
        var grids = new double[4 * stride];
        for (int r = 0; r < rows; r++)
        {
            double step = r % 5 == 4 ? 0 : 0.01 * (r % 3 + 1);  // some grids hold one value only
            (grids[r], grids[stride + r]) = (step == 0 ? double.PositiveInfinity : step, step);
            (grids[2 * stride + r], grids[3 * stride + r]) = (r % 4, r % 2 * 0.03);
        }
        float[] values = Random(rows, 4), ours = Random(rows, 5), twin = [.. ours];
        for (int r = 0; r < rows; r += 3) values[r] = (float)(grids[3 * stride + r] + 2.5 * grids[stride + r]); // near a tie
        byte[] codes = new byte[rows], expected = new byte[rows];
        FeedbackKernels.Round(values, grids, stride, 15, ours, codes);
        FeedbackKernels.RoundScalar(values, grids, stride, 15, twin, expected);
        Assert.Equal(expected, codes);
        Assert.Equal(twin, ours);
        Assert.All(codes, c => Assert.InRange(c, 0, 15));
    }
}
