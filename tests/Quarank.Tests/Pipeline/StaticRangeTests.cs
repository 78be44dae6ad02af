using Quarank.Compression;
using Quarank.Numerics;
using Quarank.Pipeline;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Pipeline;

/// <summary>One range for all tokens, from the tokens of calibration.</summary>
public class StaticRangeTests
{
    [Theory, InlineData(true), InlineData(false)]
    public void It_reaches_as_far_as_inputs_do_or_to_the_part_asked_for(bool symmetric)
    {
        Matrix<float>[] sequences = [Some.Matrix(20, 48, 1), Some.Matrix(20, 48, 2)];
        float least = sequences.Min(s => s.Data.ToArray().Min()), most = sequences.Max(s => s.Data.ToArray().Max());
        foreach (double clip in (double[])[1, 0.8])
        {
            float[] range = Range(new(new(8, 0, symmetric, Static: true), clip), sequences);
            Assert.Equal([(float)clip * least, (float)clip * most], range);
        }
    }

    [Fact]
    public void A_search_gives_up_a_token_a_thousand_times_as_long_for_all_others()
    {
        Matrix<float>[] sequences = [Some.Matrix(64, 48, 1), Some.Matrix(64, 48, 2), Some.Matrix(64, 48, 3)];
        for (int j = 0; j < 48; j++) sequences[1][0, j] *= 1000;
        var grid = new Quarank.Numerics.Kernels.InputGrid(8, Static: true);
        float whole = Range(new(grid), sequences).Max(Math.Abs), searched = Range(new(grid, null), sequences).Max(Math.Abs);
        float usual = Math.Max(sequences[0].Data.ToArray().Max(Math.Abs), sequences[2].Data.ToArray().Max(Math.Abs));
        Assert.True(whole > 300 * usual);
        Assert.InRange(searched, 0.5 * usual, 2 * usual);
    }

    private static float[] Range(InputRounding rounding, Matrix<float>[] sequences)
    {
        var sums = new RoundedSums(48, rounding, [TokenWeights.None]);
        foreach (var s in sequences) sums.Add(s, _ => null);
        return sums.Finish(100).Single().Statistics.Rounder.Numbers;
    }
}
