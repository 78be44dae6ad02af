using Quarank.Numerics.Kernels;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Numerics;

/// <summary>Grids of a layer's inputs against spec §1.3 written out in doubles.</summary>
public class InputRounderTests
{
    private static readonly int[] Widths = [1, 7, 31, 32, 33, 64, 100, 128, 130, 160, 300];

    public static TheoryData<int, int, bool> Grids =>
        [.. from bits in (int[])[4, 8] from size in (int[])[0, 32, 64, 128] from symmetric in (bool[])[true, false] select (bits, size, symmetric)];

    [Theory, MemberData(nameof(Grids))]
    public void A_value_becomes_the_nearest_of_its_groups_grid(int bits, int size, bool symmetric)
    {
        foreach (int n in Widths)
        {
            foreach (float clip in (float[])[1, 0.8f])
            {
                float[] x = Some.Matrix(1, n, n).Data.ToArray(), rounded = new float[n];
                InputRounder.Dynamic(new(bits, size, symmetric), clip).Round(x, rounded);
                int group = size == 0 ? n : size;
                for (int first = 0; first < n; first += group)
                {
                    var part = x[first..Math.Min(n, first + group)];
                    double most = symmetric ? clip * part.Max(Math.Abs) : clip * Math.Max(0, part.Max()), least = symmetric ? -most : clip * Math.Min(0, part.Min());
                    // Eight bits have 255 levels, so that products of bytes fit in sixteen bits.
                    double levels = bits == 8 ? 254 : symmetric ? 14 : 15, step = (most - least) / levels;
                    double low = symmetric ? bits == 8 ? -127 : -8 : Math.Round(least / step), high = symmetric ? bits == 8 ? 127 : 7 : low + levels;
                    for (int j = 0; j < part.Length; j++)
                    {
                        double code = rounded[first + j] / step;
                        Assert.Equal(Math.Round(code), code, 1e-3);
                        Assert.InRange(Math.Round(code), low, high);
                        // Half a step off, unless it was clipped; float32 may take the other side of a tie.
                        double reached = Math.Clamp(part[j] / step, low, high);
                        Assert.InRange(Math.Abs(code - reached), 0, 0.501);
                    }
                }
            }
        }
    }

    [Theory, InlineData(4, true), InlineData(8, false)]
    public void A_static_range_rounds_every_token_on_one_grid(int bits, bool symmetric)
    {
        var rounder = InputRounder.Static(new(bits, 0, symmetric, Static: true), -0.5f, 0.25f);
        float[] small = [0.01f, -0.02f, 0.2f], large = [0.01f, -0.02f, 40f], a = new float[3], b = new float[3];
        rounder.Round(small, a);
        rounder.Round(large, b);
        Assert.Equal(a[..2], b[..2]);
        Assert.Equal(symmetric ? 0.5f : 0.25f, b[2], 0.05f);     // what lies beyond the range becomes its end
    }

    [Fact]
    public void Zero_stays_zero_and_what_is_not_finite_does_not_become_finite()
    {
        foreach (bool symmetric in (bool[])[true, false])
        {
            var rounder = InputRounder.Dynamic(new(4, 0, symmetric));
            float[] y = [1, 1, 1];
            rounder.Round([0, 0, 0], y);
            Assert.Equal([0, 0, 0], y);
            rounder.Round([3, 0, 1], y);
            Assert.Equal(0, y[1]);
            rounder.Round([1, float.PositiveInfinity, 0], y);
            Assert.True(float.IsNaN(y[0]));
        }
    }

    [Fact]
    public void Grids_and_ranges_that_cannot_be_are_refused()
    {
        Assert.Contains("not 9", Assert.Throws<ArgumentException>(new InputGrid(9).Validate).Message, StringComparison.Ordinal);
        Assert.Contains("not 48", Assert.Throws<ArgumentException>(new InputGrid(8, 48).Validate).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => InputRounder.Dynamic(new(4), 1.5f));
        Assert.Throws<ArgumentException>(() => InputRounder.Static(new(4, Static: true), 2, 1));
        Assert.Throws<ArgumentException>(() => InputRounder.Of(new(4), [1, 2]));
    }
}
