using System.Numerics.Tensors;
using Quarank.Compression;
using Quarank.Compression.Learning;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Compression;

/// <summary>What is learned of a rounding, on a layer's own loss; whole blocks: <see cref="Pipeline.BlockLearningTests"/>.</summary>
public class LearnedRoundingTests
{
    private static readonly GridFormat Three = new(3), Groups = new(3, 32);

    public static TheoryData<string> Names => ["flexround", "lrq"];

    [Theory, MemberData(nameof(Names))]
    public void Without_a_step_it_is_rounding_to_the_nearest(string name)
    {
        var problem = Some.Problem(24, 96);
        foreach (var grid in (GridFormat[])[Three, Groups, Three with { Offset = GridOffset.None }])
            Assert.Equal(new RoundToNearest(grid, GridRange.Clip).Compress(problem).ToDense().Data.ToArray(),
                (Method(name, grid) with { Learning = new(Steps: 0) }).Compress(problem).ToDense().Data.ToArray());
    }

    [Theory, MemberData(nameof(Names))]
    public void Learning_lowers_the_loss_far_below_that_of_rounding(string name)
    {
        var problem = Some.Problem(24, 96);
        double rounded = ProxyLoss.Relative(problem, new RoundToNearest(Three, GridRange.Clip).Compress(problem));
        double learned = ProxyLoss.Relative(problem, (Method(name, Three) with { Learning = new(Steps: 150, Rate: 0.01) }).Compress(problem));
        Assert.InRange(learned, 0, 0.7 * rounded);
    }

    [Theory, InlineData(0, GridOffset.ZeroPoint), InlineData(32, GridOffset.ZeroPoint), InlineData(0, GridOffset.None)]
    public void Begun_with_gptq_s_weights_it_is_gptq_before_the_first_step_and_better_after_the_last(int group, GridOffset offset)
    {
        var (problem, grid) = (Some.Problem(24, 96), new GridFormat(3, group, offset));
        foreach (var range in (GridRange[])[GridRange.Clip, GridRange.Learned])
        {
            var gptq = new Gptq(grid, range).Compress(problem);
            double loss = ProxyLoss.Relative(problem, gptq);
            foreach (var method in (BlockMethod[])[new FlexRound(grid, range), new Lrq(grid, Range: range)])
            {
                var begun = (method with { Start = LearningStart.Gptq, Learning = new(Steps: 0) }).Compress(problem);
                // Weights are moved in floats, so one that lies at a tie may fall to its other side.
                var (expected, found) = (gptq.ToDense(), begun.ToDense());
                Assert.InRange(Enumerable.Range(0, expected.Data.Length).Count(i => expected.Data[i] != found.Data[i]), 0, 4);
                Assert.InRange(ProxyLoss.Relative(problem, (method with { Start = LearningStart.Gptq, Learning = new(Steps: 100, Rate: 0.003) }).Compress(problem)), 0, loss);
            }
            double omni = ProxyLoss.Relative(problem, (new OmniQuant(grid, range) { Start = LearningStart.Gptq, Learning = new(Steps: 0) }).Compress(problem));
            Assert.InRange(omni, 0, 1.5 * loss);     // ends that reach to the last weight begin a little within it
        }
    }

    [Fact]
    public void The_rank_is_a_quarter_of_the_smaller_side_unless_it_is_given()
    {
        Assert.Equal(1024, new Lrq(Three).RankOf(4096, 11008));
        Assert.Equal(2048, new Lrq(Three).RankOf(28672, 8192));
        Assert.Equal(1, new Lrq(Three).RankOf(2, 9));
        Assert.Equal(7, new Lrq(Three, 7).RankOf(64, 64));
        Assert.Equal(5, new Lrq(Three, 7).RankOf(5, 64));
        // Spec §5.1: half of FlexRound's numbers in a square matrix of 4,096.
        Assert.Equal(0.5, (double)new Lrq(Three).LearnedNumbers(4096, 4096) / new FlexRound(Three).LearnedNumbers(4096, 4096), 3);
    }

    [Theory, InlineData(0), InlineData(16)]
    public void The_slope_that_passes_straight_through_rounding_is_that_of_the_mean(int groupSize)
    {
        // A shift of all of E moves each code at its own place: many fine steps of a stair are a slope. L = Σ G Ŵ.
        Matrix<float> w = Some.Matrix(32, 128), g = Some.Matrix(32, 128, 2);
        var layer = new Shifted(At(w, new(8, groupSize)), new(8, groupSize));
        // Signs of G that follow W's, so that the slope is large and the rounding of the sum small beside it.
        for (int i = 0; i < w.Data.Length; i++) g.Data[i] = MathF.Abs(g.Data[i]) * MathF.Sign(w.Data[i]);
        var decoded = new Matrix<float>(w.Rows, w.Columns);
        double Loss(float shift)
        {
            layer.Shift = shift;
            layer.Decode(decoded);
            return TensorPrimitives.Dot<float>(decoded.Data, g.Data);
        }
        // Away from 0 all codes are inside their range but for the largest weights', which clamp on the way up: shift down.
        const float at = 0.1f, h = 0.05f;
        double slope = (Loss(at + h) - Loss(at - h)) / (2 * h);
        Loss(at);
        layer.Move(g.Clone(), new(1, 0));
        Assert.Equal(slope, layer.Slopes, 0.02 * Math.Abs(slope));
    }

    [Theory, InlineData(GridOffset.ZeroPoint), InlineData(GridOffset.None)]
    public void Learned_ranges_lose_less_than_those_of_the_weights(GridOffset offset)
    {
        var (problem, grid) = (Some.Problem(24, 96), Groups with { Offset = offset });
        problem.Weight[3, 5] = 3;     // an outlier that stretches its group's grid
        double whole = ProxyLoss.Relative(problem, new RoundToNearest(grid).Compress(problem));
        double learned = ProxyLoss.Relative(problem, new OmniQuant(grid) { Learning = new(Steps: 100, Rate: 0.05) }.Compress(problem));
        Assert.InRange(learned, 0, 0.95 * whole);     // uniform weights leave little to clip beside the outlier
    }

    [Theory, InlineData(GridOffset.ZeroPoint), InlineData(GridOffset.None)]
    public void The_slope_of_a_range_is_that_of_the_mean(GridOffset offset)
    {
        // All ranges move together, so that many steps of a stair are a slope: L = Σ G Ŵ, with many values beyond the ends at β = γ = 0.
        Matrix<float> w = Some.Matrix(64, 128), g = Some.Matrix(64, 128, 2);
        for (int i = 0; i < w.Data.Length; i++) g.Data[i] = MathF.Abs(g.Data[i]) * MathF.Sign(w.Data[i]);
        var decoded = new Matrix<float>(w.Rows, w.Columns);
        (double Loss, double Beta, double Gamma) At(double beta, double gamma)
        {
            var layer = new ClippedGrid(LearnedRoundingTests.At(w, new(8, 0, offset)), new(8, 0, offset));
            Array.Fill(layer.Beta.Values, (float)beta);
            Array.Fill(layer.Gamma.Values, (float)gamma);
            layer.Decode(decoded);
            double loss = TensorPrimitives.Dot<float>(decoded.Data, g.Data);
            layer.Move(g.Clone(), new(1, 0));
            return (loss, layer.Beta.Gradient.Sum(), layer.Gamma.Gradient.Sum());
        }
        const double h = 0.1;
        double slope = (At(0, h).Loss - At(0, -h).Loss) / (2 * h);
        Assert.Equal(slope, At(0, 0).Gamma, 0.03 * Math.Abs(slope));
        if (offset == GridOffset.None) return;
        slope = (At(h, 0).Loss - At(-h, 0).Loss) / (2 * h);
        Assert.Equal(slope, At(0, 0).Beta, 0.03 * Math.Abs(slope));
    }

    [Fact]
    public void Adam_agrees_with_its_definition_and_begins_with_steps_of_the_rate()
    {
        const int count = 1500;     // two chunks
        var adam = new Adam(count);
        float[] p = Some.Matrix(1, count).Data.ToArray(), first = [.. p];
        double[] expected = [.. p.Select(v => (double)v)], m = new double[count], v = new double[count];
        for (int t = 1; t <= 5; t++)
        {
            float[] g = Some.Matrix(1, count, 10 + t).Data.ToArray();
            var step = AdamStep.Cosine(t, 5, 0.01);
            adam.Move(p, g, step);
            for (int i = 0; i < count; i++)
            {
                m[i] = 0.9 * m[i] + 0.1 * g[i];
                v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
                expected[i] -= step.Rate * (m[i] / (1 - Math.Pow(0.9, t))) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.999, t))) + 1e-8);
                Assert.Equal(expected[i], p[i], 1e-5);
                if (t == 1) Assert.Equal(-0.01f * MathF.Sign(g[i]), p[i] - first[i], 1e-4f);
            }
        }
    }

    [Fact]
    public void The_rate_falls_from_the_first_to_nothing_behind_the_last()
    {
        Assert.Equal(2, AdamStep.Cosine(1, 100, 2).Rate);
        Assert.Equal(1, AdamStep.Cosine(51, 100, 2).Rate, 1e-12);
        Assert.InRange(AdamStep.Cosine(100, 100, 2).Rate, 1e-9, 1e-3);
    }

    [Fact]
    public void What_cannot_be_learned_is_refused()
    {
        string Refused(Method method) => Assert.Throws<ArgumentException>(method.Validate).Message;
        Assert.Contains("not -1", Refused(new FlexRound(Three) { Learning = new(-1) }), StringComparison.Ordinal);
        Assert.Contains("at least one sequence", Refused(new Lrq(Three) { Learning = new(Batch: 0) }), StringComparison.Ordinal);
        Assert.Contains("positive number", Refused(new Lrq(Three) { Learning = new(Rate: 0) }), StringComparison.Ordinal);
        Assert.Contains("rank is at least 1", Refused(new Lrq(Three, 0)), StringComparison.Ordinal);
        Assert.Contains("along rows", Refused(new FlexRound(Three with { Axis = GridAxis.Columns })), StringComparison.Ordinal);
    }

    private static StartingPoint At(Matrix<float> w, GridFormat grid) =>
        StartingPoint.Of(new("w", w, new(1, new(w.Columns, w.Columns))), grid, GridRange.MinMax, LearningStart.Nearest);

    private static BlockMethod Method(string name, GridFormat grid) => name == "lrq" ? new Lrq(grid) : new FlexRound(grid);

    /// <summary>E is one number, which is not learned.</summary>
    private sealed class Shifted(StartingPoint start, GridFormat grid) : LearnedGrid(start, grid)
    {
        public float Shift { get; set; }
        public double Slopes { get; private set; }

        protected override IEnumerable<LearnedNumbers> Divisors => [];

        protected override void LogDivisors(Matrix<float> logs) => logs.Data.Fill(Shift);

        protected override void MoveDivisors(Matrix<float> slopes, AdamStep step) => Slopes = TensorPrimitives.Sum<float>(slopes.Data);
    }
}
