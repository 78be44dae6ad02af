using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Compression;

/// <summary>Every method against independent float64 programs (golden/methods), loss and matrix.</summary>
public class MethodGoldenTests
{
    private static readonly string[] Problems = ["wide", "tall", "long"];

    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (string problem in Problems)
            {
                foreach (string method in (string[])["rtn", "gptq"])
                    foreach (int bits in (int[])[2, 3, 4])
                        foreach (string grid in (string[])["row.asym", "row.sym", "row.asym.clip"])
                            cases.Add(problem, $"{method}.w{bits}.{grid}");
                foreach (int bits in (int[])[2, 3, 4]) cases.Add(problem, $"gptq.w{bits}.g8.asym");
                foreach (int blocks in (int[])[1, 2, 3])
                    foreach (int compensation in (int[])[0, 1])
                        cases.Add(problem, $"lordq.K{blocks}.comp{compensation}.p4q4.r8");
                cases.Add(problem, "lordq.K2.comp1.p3q4.r9");
            }
            return cases;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void The_loss_and_the_matrix_are_the_golden_ones(string problem, string name)
    {
        var layer = MethodGolden.Problem(problem);
        var compressed = Method(name, layer).Compress(layer);
        var (golden, ours) = (MethodGolden.Values($"{problem}.{name}"), compressed.ToDense());
        double largest = golden.Data.ToArray().Max(Math.Abs), expected = MethodGolden.RelativeError($"{problem}.{name}");
        for (int i = 0; i < golden.Rows; i++)
            for (int j = 0; j < golden.Columns; j++)
            {
                // A symmetric grid has its largest negative weight half-way between two codes: plain rounding may go either way.
                double w = layer.Weight[i, j], tie = Math.Abs(golden[i, j] - w) - Math.Abs(ours[i, j] - w);
                if (name.StartsWith("rtn", StringComparison.Ordinal) && name.EndsWith("sym", StringComparison.Ordinal) && Math.Abs(tie) < 2e-6 * largest) ours[i, j] = (float)golden[i, j];
                Assert.Equal(golden[i, j], ours[i, j], 2e-6 * largest);
            }

        // W, scales and decoded values are float32 here and float64 there: 6e-8 of the weights, up to 30 times that of their error.
        Assert.Equal(expected, ProxyLoss.Relative(layer, new DenseLinear(ours)), 3e-6 * expected);
    }

    [Theory, InlineData("wide"), InlineData("tall"), InlineData("long")]
    public void A_half_float_Q_comes_close_to_the_golden_of_full_precision(string problem)
    {
        var layer = MethodGolden.Problem(problem);
        var method = Lordq(layer, rank: 8, blocks: 2, p: 4, q: 16, compensation: true);
        // A half float's 2^-11 is 1 / 60 of a 4-bit step: its noise adds some thousandths to the loss.
        Assert.Equal(MethodGolden.RelativeError($"{problem}.lordq.K2.p4.qfp.r8"), ProxyLoss.Relative(layer, method.Compress(layer)), 5e-3);
    }

    private static Method Method(string name, LayerProblem layer)
    {
        string[] parts = name.Split('.');
        if (parts[0] == "lordq")
            return Lordq(layer, int.Parse(parts[4][1..]), int.Parse(parts[1][1..]), parts[3][1] - '0', parts[3][3] - '0', parts[2] == "comp1");

        var grid = new GridFormat(parts[1][1] - '0', parts[2] == "g8" ? 8 : 0, parts[3] == "sym" ? GridOffset.None : GridOffset.ZeroPoint, Scales: ScaleType.Bits32);
        var range = parts.Length > 4 ? GridRange.Clip : GridRange.MinMax;
        return parts[0] == "rtn" ? new RoundToNearest(grid, range) : new Gptq(grid, range);
    }

    private static Lordq Lordq(LayerProblem layer, int rank, int blocks, int p, int q, bool compensation) =>
        new(Blocks: blocks, PBits: p, QBits: q, Compensation: compensation, RankFraction: (double)rank / Math.Min(layer.Rows, layer.Columns), Scales: ScaleType.Bits32);
}
