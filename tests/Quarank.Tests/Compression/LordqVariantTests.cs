using System.Numerics.Tensors;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Compression;

/// <summary>What each option of LoRDQ promises.</summary>
public class LordqVariantTests
{
    private static readonly LayerProblem Plain = Some.Problem(64, 96), Outlier = Some.Problem(64, 96, outlier: 40);
    private static readonly Lordq Refit = new(RankFraction: 0.5, Refit: true);

    [Fact]
    public void Refit_loses_less_than_the_printed_algorithm()
    {
        foreach (var problem in (LayerProblem[])[Plain, Outlier])
            foreach (int bits in (int[])[3, 4])
            {
                var printed = new Lordq(RankFraction: 0.5, PBits: bits, QBits: bits);
                Assert.True(Loss(printed with { Refit = true }, problem) < Loss(printed, problem));
            }
    }

    [Theory, InlineData(LordqFeedback.P), InlineData(LordqFeedback.Q), InlineData(LordqFeedback.Both)]
    public void Feedback_lowers_the_loss_of_coarse_factors(LordqFeedback feedback)
    {
        var coarse = Refit with { PBits = 2, QBits = 2, Blocks = 1, Range = GridRange.Clip, RankFraction = 1 };
        Assert.True(Loss(coarse with { Feedback = feedback }, Plain) < Loss(coarse, Plain));
    }

    [Fact]
    public void Sweeps_and_rounds_never_raise_the_loss_and_can_lower_it()
    {
        // Kept by the loss on the damped matrix; so that it is the loss that is measured, there is no damping.
        var hybrid = Refit with { Damping = 0, RankFraction = 0.2 };
        Assert.True(Gain(n => hybrid with { Rest = new(2, Levels: CodeLevels.Normal, First: true, Rounds: n) }, Outlier) > 1e-4);

        double best = 0;
        foreach (var problem in (LayerProblem[])[Plain, Outlier, Some.Problem(64, 96, outlier: 8)])
            foreach (int blocks in (int[])[2, 4])
                foreach (int bits in (int[])[2, 3, 4])
                {
                    var swept = Refit with { Damping = 0, Blocks = blocks, PBits = bits, QBits = bits, RankFraction = 0.3 };
                    best = Math.Max(best, Gain(n => swept with { Sweeps = n }, problem));
                }
        Assert.InRange(best, 1e-4, 1);
    }

    // By what part the third repetition has lowered the loss; no repetition may raise it.
    private static double Gain(Func<int, Method> repeated, LayerProblem problem)
    {
        double[] losses = [.. Enumerable.Range(0, 4).Select(n => Loss(repeated(n), problem))];
        for (int n = 1; n < losses.Length; n++) Assert.True(losses[n] <= losses[n - 1] * (1 + 1e-5)); // decoded in float
        return 1 - (losses[^1] / losses[0]);
    }

    [Fact]
    public void Clipping_loses_less_than_min_max_with_few_bits()
    {
        var coarse = Refit with { PBits = 2, QBits = 2, RankFraction = 1 };
        Assert.True(Loss(coarse with { Range = GridRange.Clip }, Plain) < Loss(coarse, Plain));
    }

    [Theory]
    [InlineData(CodeLevels.Offset, GridOffset.Number)]
    [InlineData(CodeLevels.ZeroPoint, GridOffset.ZeroPoint)]
    [InlineData(CodeLevels.Symmetric, GridOffset.None)]
    public void Levels_and_groups_are_stored_as_asked(CodeLevels levels, GridOffset offset)
    {
        var format = (ProductFormat)(Refit with { Levels = levels, GroupSize = 24 }).Compress(Plain).Format;
        Assert.Equal(new GridFormat(4, 24, offset, GridAxis.Columns), format.Left);
        Assert.Equal(new GridFormat(4, 24, offset), format.Right);
    }

    [Fact]
    public void Normal_levels_are_a_codebook_and_beyond_four_bits_a_symmetric_grid()
    {
        var format = (ProductFormat)(Refit with { Levels = CodeLevels.Normal, QBits = 5 }).Compress(Plain).Format;
        Assert.Equal(new CodebookFormat(4, 0, GridAxis.Columns), format.Left);
        Assert.Equal(new GridFormat(5, 0, GridOffset.None), format.Right);
    }

    [Fact]
    public void Smaller_groups_lose_less_where_a_vector_is_uneven()
    {
        var coarse = Refit with { PBits = 3, QBits = 3, Levels = CodeLevels.Symmetric };
        Assert.True(Loss(coarse with { GroupSize = 8 }, Outlier) < Loss(coarse, Outlier));
    }

    [Fact]
    public void Half_float_factors_count_sixteen_bits_an_entry_and_lose_almost_nothing_of_the_truncation()
    {
        var half = new Lordq(Rank: 10, PBits: 4, QBits: 16);
        Assert.Equal((16 * 10 * 96) + (8 * 64 * 5) + (2 * 16 * 10), half.Compress(Plain).Bits);
        Assert.True(Loss(half, Plain) < Loss(half with { QBits = 4 }, Plain));
    }

    [Fact]
    public void A_lead_gives_the_largest_components_more_bits_and_is_a_product_of_its_own()
    {
        var plain = Refit with { Rank = 20, PBits = 3, QBits = 3 };
        var led = plain with { Lead = new(2, Then: new(Share: 0.1, PBits: 5, QBits: 4)) };
        var sum = (SumFormat)led.Compress(Outlier).Format;
        Assert.Equal([2, 6, 12], sum.Terms.Cast<ProductFormat>().Select(p => p.Rank));
        Assert.Equal([8, 5, 3], sum.Terms.Cast<ProductFormat>().Select(p => ((GridFormat)p.Left).Bits));
        Assert.Equal([8, 4, 3], sum.Terms.Cast<ProductFormat>().Select(p => ((GridFormat)p.Right).Bits));
        Assert.True(Loss(led, Outlier) < Loss(plain, Outlier));
        Assert.IsType<ProductLinear>((plain with { Lead = new(99) }).Compress(Outlier)); // a lead that takes all
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_hybrid_loses_less_than_its_grid_and_than_its_factors_alone(bool first)
    {
        var factors = Refit with { RankFraction = 0.2 };
        var hybrid = factors with { Rest = new(2, First: first) };
        double loss = Loss(hybrid, Outlier);
        Assert.True(loss < Loss(factors, Outlier));
        Assert.True(loss < Loss(new Gptq(new(2), GridRange.Clip), Outlier));
        Assert.True(loss < Loss(hybrid with { Rest = new(2, First: first, Feedback: false) }, Outlier));
        Assert.Equal([typeof(GridFormat), typeof(ProductFormat)], ((SumFormat)hybrid.Compress(Outlier).Format).Terms.Select(t => t.GetType()));
    }

    [Theory, InlineData(1.5), InlineData(2), InlineData(2.5), InlineData(3), InlineData(4)]
    public void The_best_variant_is_named_by_fitting_it_and_keeps_its_budget(double bits)
    {
        LayerShape[] layers = [new("q", 576, 576), new("k", 192, 576), new("gate", 1536, 576), new("down", 576, 1536)];
        var fitted = Assert.IsType<Lordq>(new LordqBest(bits).Fit(layers));
        fitted.Validate();
        double used = layers.Sum(l => (double)fitted.PlannedBits(l)) / layers.Sum(l => (double)l.Rows * l.Columns);
        Assert.InRange(used, bits * 0.98, bits);
        Assert.Equal(new LordqBest(bits), new LordqBest(3).AtBitsPerWeight(bits, layers));
    }

    /// <summary>Each level is the mean of what is rounded to it, and the error is the known least (spec §1.3 has 0.118 … for even steps).</summary>
    [Theory, InlineData(1, 0.3634), InlineData(2, 0.1175), InlineData(3, 0.03455), InlineData(4, 0.0095)]
    public void Normal_levels_are_the_best_for_a_normal_variable(int bits, double error)
    {
        var table = CodeTable.Normal(bits);
        var (mass, first, second) = (new double[1 << bits], new double[1 << bits], 0.0);
        const double step = 1e-4;
        for (double x = -8 + (step / 2); x < 8; x += step)
        {
            int code = table.Nearest(x);
            double p = Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI) * step, e = x - table.Levels[code];
            (mass[code], first[code], second) = (mass[code] + p, first[code] + (p * x), second + (p * e * e));
        }
        for (int c = 0; c < mass.Length; c++) Assert.Equal(table.Levels[c], first[c] / mass[c], 1e-4);
        Assert.Equal(error, second, 1e-4);
    }

    [Fact]
    public void What_does_not_go_together_is_refused()
    {
        string Refusal(Lordq lordq) => Assert.Throws<ArgumentException>(lordq.Validate).Message;
        Assert.Contains("refit", Refusal(new(Sweeps: 1)), StringComparison.Ordinal);
        Assert.Contains("refit", Refusal(new(Feedback: LordqFeedback.P)), StringComparison.Ordinal);
        Assert.Contains("not 9", Refusal(new(Lead: new(3, 9))), StringComparison.Ordinal);
        Assert.Contains("at least one", Refusal(new(Lead: new())), StringComparison.Ordinal);
        Assert.Contains("2 to 8 bits, not 1", Refusal(new(Rest: new(1))), StringComparison.Ordinal);
        Assert.Contains("1 to 4 bits, not 5", Refusal(new(Rest: new(5, Levels: CodeLevels.Normal))), StringComparison.Ordinal);
    }

    private static double Loss(Method method, LayerProblem problem) => ProxyLoss.Relative(problem, method.Compress(problem));
}
