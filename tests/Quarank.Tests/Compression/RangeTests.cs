using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Compression;

/// <summary>How ranges of grids are chosen, and scales of two levels.</summary>
public class RangeTests
{
    public static TheoryData<int, int, GridOffset> Grids => new()
    {
        { 2, 0, GridOffset.ZeroPoint }, { 2, 32, GridOffset.ZeroPoint }, { 3, 64, GridOffset.None }, { 4, 48, GridOffset.Number },
    };

    [Theory, MemberData(nameof(Grids))]
    public void Learned_ranges_lose_no_more_than_min_max_or_clip(int bits, int group, GridOffset offset)
    {
        var problem = Problem();
        var grid = new GridFormat(bits, group, offset);
        double learned = Loss(problem, grid, GridRange.Learned);
        Assert.InRange(learned, 0, Math.Min(Loss(problem, grid, GridRange.MinMax), Loss(problem, grid, GridRange.Clip)) * (1 + 1e-5));
    }

    [Fact]
    public void Learning_gains_over_the_search_where_inputs_are_correlated()
    {
        var (problem, grid) = (Problem(), new GridFormat(2, 0));
        Assert.True(Loss(problem, grid, GridRange.Learned) < 0.97 * Loss(problem, grid, GridRange.Clip));
    }

    [Fact]
    public void Ranges_by_output_lose_less_than_those_by_weights_where_a_group_is_the_row()
    {
        var (problem, grid) = (Problem(), new GridFormat(2, 0));
        Assert.True(Loss(problem, grid, GridRange.Output) < Loss(problem, grid, GridRange.MinMax));
    }

    [Fact]
    public void On_white_inputs_the_range_by_output_is_the_one_of_least_squares()
    {
        var problem = Problem() with { Inputs = new(1, White(96)) };
        var dense = new RoundToNearest(new(3, 32), GridRange.Output).Compress(problem).ToDense();
        for (int i = 0; i < problem.Rows; i++)
            for (int g = 0; g < 3; g++)
            {
                float[] w = problem.Weight.Row(i).Slice(32 * g, 32).ToArray();
                double least = Enumerable.Range(0, 15).Min(step => Squares(w, (1 - step / 20f) * w.Max(Math.Abs), new(3, 32)));
                double found = dense.Row(i).Slice(32 * g, 32).ToArray().Zip(w, (a, b) => ((double)a - b) * (a - b)).Sum();
                Assert.Equal(least, found, 1e-5 * least);
            }
    }

    [Theory, InlineData(2), InlineData(3), InlineData(4)]
    public void A_half_quadratic_offset_is_no_worse_than_the_smallest_weight_in_its_norm(int bits)
    {
        var (problem, grid) = (Problem(), new GridFormat(bits, 32, GridOffset.Number));
        double Norm(GridRange range)
        {
            var dense = new RoundToNearest(grid, range).Compress(problem).ToDense();
            return dense.Data.ToArray().Zip(problem.Weight.Data.ToArray(), (a, b) => Math.Pow(Math.Abs((double)a - b), 0.7)).Sum();
        }
        Assert.True(Norm(GridRange.HalfQuadratic) < Norm(GridRange.MinMax));
    }

    [Theory, InlineData(GridOffset.ZeroPoint), InlineData(GridOffset.None), InlineData(GridOffset.Number)]
    public void Scales_of_two_levels_of_eight_bits_round_nearly_as_well_as_float16_ones_and_take_less(GridOffset offset)
    {
        var problem = Problem();
        GridFormat plain = new(4, 16, offset), two = plain with { Super = new(8, 0) };
        double one = Loss(problem, plain, GridRange.Clip), both = Loss(problem, two, GridRange.Clip);
        Assert.InRange(both, 0, 1.1 * one);
        Assert.True(two.BitsOf(64, 96) < plain.BitsOf(64, 96));
    }

    [Fact]
    public void A_scale_of_two_levels_is_integer_times_number()
    {
        var super = new SuperScales(6, 64);
        Assert.Equal((float)(Half)(0.75f * 63 / 64), super.ValueOf(0.75f, 63));
        Assert.Equal(3, super.CountOf(160));
        // A row has 160 codes of 4 bits and 3 numbers of 16; all 350 scales take planes of 175 and 88 bytes, all zero-points 175.
        Assert.Equal(70 * (640 + 48) + 8 * (175 + 88 + 175), new GridFormat(4, 32) { Super = super }.BitsOf(70, 160));
    }

    [Fact]
    public void What_does_not_go_together_is_refused()
    {
        Assert.Contains("whole groups", Refusal(new(4, 24) { Super = new() }, GridRange.Clip), StringComparison.Ordinal);
        Assert.Contains("groups of rows", Refusal(new(4) { Super = new() }, GridRange.Clip), StringComparison.Ordinal);
        Assert.Contains("two levels", Refusal(new(4, 32) { Super = new() }, GridRange.Learned), StringComparison.Ordinal);
        Assert.Contains("no integer", Refusal(new(4, 32), GridRange.HalfQuadratic), StringComparison.Ordinal);
        Assert.Contains("inner method", Assert.Throws<ArgumentException>(new Awq(new Lattice()).Validate).Message, StringComparison.Ordinal);
        Assert.Contains("minMax and clip", Assert.Throws<ArgumentException>(new Lordq(Range: GridRange.Learned).Validate).Message, StringComparison.Ordinal);

        static string Refusal(GridFormat grid, GridRange range) => Assert.Throws<ArgumentException>(new RoundToNearest(grid, range).Validate).Message;
    }

    // Weights as they are in models: many small ones and some large.
    private static LayerProblem Problem()
    {
        var problem = Some.Problem(64, 96);
        foreach (ref float w in problem.Weight.Data) w = w * w * w + 0.1f * w;
        return problem;
    }

    private static double Loss(LayerProblem problem, GridFormat grid, GridRange range) =>
        ProxyLoss.Relative(problem, new RoundToNearest(grid, range).Compress(problem));

    private static double Squares(float[] w, float limit, GridFormat format)
    {
        double min = Math.Max(-limit, Math.Min(0, w.Min())), max = Math.Min(limit, Math.Max(0, w.Max())), scale = (double)(Half)((max - min) / format.MaxCode);
        double zero = Math.Clamp(Math.Round(-min / scale), 0, format.MaxCode);
        return w.Sum(v => Math.Pow((Math.Clamp(Math.Round(v / scale) + zero, 0, format.MaxCode) - zero) * scale - v, 2));
    }

    private static Matrix<double> White(int order)
    {
        var h = new Matrix<double>(order, order);
        for (int i = 0; i < order; i++) h[i, i] = 1;
        return h;
    }
}
