using Dense = MathNet.Numerics.LinearAlgebra.Matrix<double>;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Compression;

/// <summary>The identities of spec §10.1 that concern rounding, GPTQ and LoRDQ.</summary>
public class MethodIdentityTests
{
    [Theory, InlineData(0), InlineData(32), InlineData(48), InlineData(150)]
    public void Gptq_on_white_inputs_is_rounding(int group)
    {
        var white = new Matrix<double>(200, 200);
        for (int i = 0; i < 200; i++) white[i, i] = 1;
        var problem = Some.Problem(16, 200) with { Inputs = new(1, white) };
        var grid = new GridFormat(3, group);
        Assert.Equal(Values(new RoundToNearest(grid), problem), Values(new Gptq(grid), problem));
        Assert.Equal(Values(new RoundToNearest(grid), problem), Values(new Gptq(grid, StaticGroups: true, ActOrder: true), problem));
    }

    /// <summary>Identity 6: q_j = round(w_j + Σ_{t&lt;j} (w_t − q_t) Ũ_tj) with H = Ũ D Ũᵀ, Ũ unit upper triangular, gives GPTQ's codes.</summary>
    [Fact]
    public void Gptq_is_ldlq()
    {
        var problem = Some.Problem(9, 150);
        var grid = new GridFormat(3, Scales: ScaleType.Bits32);
        var h = Dense.Build.Dense(150, 150, (i, j) => problem.Inputs.Gram[i, j]);
        h += Dense.Build.DenseIdentity(150) * (0.01 * h.Diagonal().Average());

        // Ũ from the Cholesky factor of H read backwards.
        var l = Dense.Build.Dense(150, 150, (i, j) => h[149 - i, 149 - j]).Cholesky().Factor;
        var u = Dense.Build.Dense(150, 150, (i, j) => l[149 - i, 149 - j] / l[149 - j, 149 - j]);

        var expected = new float[9 * 150];
        for (int i = 0; i < 9; i++)
        {
            double[] w = [.. problem.Weight.Row(i).ToArray().Select(v => (double)v)], q = new double[150];
            var fitted = ScalarGrid.Fit(grid, GridRange.MinMax, w);
            for (int j = 0; j < 150; j++)
            {
                double fed = w[j];
                for (int t = 0; t < j; t++) fed += (w[t] - q[t]) * u[t, j];
                q[j] = fitted.Value(fitted.Code(fed));
                expected[i * 150 + j] = (float)q[j];
            }
        }
        float[] ours = Values(new Gptq(grid), problem);
        for (int k = 0; k < ours.Length; k++) Assert.Equal(expected[k], ours[k], 1e-6f);
    }

    [Fact]
    public void Act_order_rounds_the_heaviest_column_as_if_it_were_alone()
    {
        var problem = Some.Problem(6, 40);
        int heaviest = Enumerable.Range(0, 40).MaxBy(j => problem.Inputs.Gram[j, j]);
        var (ordered, plain) = (new Gptq(new(4), ActOrder: true).Compress(problem).ToDense(), new RoundToNearest(new(4)).Compress(problem).ToDense());
        for (int i = 0; i < 6; i++) Assert.Equal(plain[i, heaviest], ordered[i, heaviest]);
    }

    [Fact]
    public void Static_groups_keep_the_grids_of_plain_rounding()
    {
        var problem = Some.Problem(6, 64);
        var layer = new Gptq(new(4, 16), StaticGroups: true, ActOrder: true).Compress(problem).ToDense();
        for (int i = 0; i < 6; i++)
            for (int g = 0; g < 4; g++)
            {
                var group = problem.Weight.Row(i).Slice(g * 16, 16).ToArray().Select(v => (double)v).ToArray();
                var grid = ScalarGrid.Fit(new(4, 16), GridRange.MinMax, group);
                for (int j = 0; j < 16; j++) Assert.Equal(0, (layer[i, g * 16 + j] / grid.Scale) - Math.Round(layer[i, g * 16 + j] / grid.Scale), 1e-4);
            }
    }

    [Fact]
    public void Gptq_loses_less_than_rounding_and_clipping_less_than_min_max_at_two_bits()
    {
        var problem = Some.Problem(64, 192);
        foreach (ref float w in problem.Weight.Data) w = w * w * w; // long tails, as real weights have
        double Loss(Method m) => ProxyLoss.Relative(problem, m.Compress(problem));
        Assert.True(Loss(new Gptq(new(2))) < Loss(new RoundToNearest(new(2))));
        Assert.True(Loss(new Gptq(new(2), GridRange.Clip)) < Loss(new Gptq(new(2))));
    }

    /// <summary>Identity 2: with half-float factors and one block LoRDQ is the truncated SVD of W Y, and leaves the tail of its spectrum.</summary>
    [Theory, InlineData(4), InlineData(12), InlineData(30)]
    public void Lordq_before_rounding_leaves_the_tail_of_the_weighted_spectrum(int rank)
    {
        var problem = Some.Problem(40, 64);
        var lordq = new Lordq(Blocks: 1, PBits: 16, QBits: 16, Damping: 0, RankFraction: rank / 40.0);
        double loss = ProxyLoss.Relative(problem, lordq.Compress(problem));

        var h = Dense.Build.Dense(64, 64, (i, j) => problem.Inputs.Gram[i, j]);
        var w = Dense.Build.Dense(40, 64, (i, j) => problem.Weight[i, j]);
        var squares = (w * h.Cholesky().Factor).Svd().S.Select(s => s * s).ToArray();
        Assert.Equal(squares.Skip(rank).Sum() / squares.Sum(), loss, 1e-5); // half floats: 2^-11 of each factor, squared and summed
    }

    /// <summary>Identity 3: once q₁ is rounded, the second component's p is the least-squares answer to what is left.</summary>
    [Fact]
    public void Compensation_is_the_least_squares_answer_to_a_rounded_component()
    {
        var problem = Some.Problem(40, 64, outlier: 30);
        var y = Dense.Build.Dense(64, 64, (i, j) => problem.Inputs.Gram[i, j]).Cholesky().Factor;
        var wy = Dense.Build.Dense(40, 64, (i, j) => problem.Weight[i, j]) * y;
        var v2 = wy.Svd().VT.Row(1);

        double Cosine(bool compensation)
        {
            var stored = new Quarank.Checkpoints.StoredTensors();
            var lordq = new Lordq(Blocks: 1, PBits: 16, QBits: 2, Compensation: compensation, Damping: 0, RankFraction: 2 / 40.0).Compress(problem);
            lordq.Save(stored);
            var p = Dense.Build.Dense(40, 2, (i, j) => stored["L.weight"].ReadMatrix()[i, j]);
            var q = ((ProductFormat)lordq.Format).Right.Load(stored.Under("R"), 2, 64).ToDense();
            var b1 = Dense.Build.Dense(1, 64, (_, j) => q[0, j]) * y;
            var best = (wy - (p.SubMatrix(0, 40, 0, 1) * b1)) * v2;
            return Math.Abs(best.DotProduct(p.Column(1))) / (best.L2Norm() * p.Column(1).L2Norm());
        }

        Assert.Equal(1, Cosine(true), 1e-6);            // half floats: 2^-11 in each of 40 entries, squared
        Assert.NotInRange(Cosine(false), 0.9999, 1.1);
    }

    [Fact]
    public void More_blocks_of_lordq_lose_less_where_one_direction_dominates()
    {
        var problem = Some.Problem(48, 96, outlier: 40);
        double Loss(int blocks) => ProxyLoss.Relative(problem, new Lordq(Blocks: blocks, RankFraction: 0.5).Compress(problem));
        Assert.True(Loss(2) < Loss(1));
    }

    /// <summary>Identity 17: the paper's retained ranks at 2 and 3 bits (spec §2.5), budget counted in codes.</summary>
    [Theory, InlineData(2, 4, 4, 0.3164), InlineData(2, 5, 5, 0.2531), InlineData(2, 3, 4, 0.3662), InlineData(2, 4, 3, 0.3571), InlineData(2, 3, 3, 0.4219), InlineData(3, 4, 4, 0.4746)]
    public void The_rank_fraction_of_a_budget_is_the_papers(double bits, int p, int q, double fraction)
    {
        var llama7b = Enumerable.Repeat(new[] { (4096, 4096), (4096, 4096), (4096, 4096), (4096, 4096), (11008, 4096), (11008, 4096), (4096, 11008) }, 32)
            .SelectMany(s => s).Select((s, i) => new LayerShape($"{i}", s.Item1, s.Item2)).ToArray();
        var fitted = (Lordq)new Lordq(bits, PBits: p, QBits: q, Budget: BitBudget.Codes).Fit(llama7b);
        Assert.Equal(fraction, fitted.RankFraction!.Value, 5e-5);
    }

    [Theory, InlineData(1.5), InlineData(2), InlineData(3.25)]
    public void A_budget_of_bytes_is_kept_and_nearly_spent(double bits)
    {
        LayerShape[] layers = [new("q", 576, 576), new("k", 192, 576), new("up", 1536, 576), new("down", 576, 1536)];
        var fitted = new Lordq(bits).Fit(layers);
        double used = layers.Sum(l => (double)fitted.PlannedBits(l)) / layers.Sum(l => (double)l.Rows * l.Columns);
        Assert.InRange(used, bits * 0.98, bits);
    }

    [Theory, InlineData(0.001, "too few"), InlineData(9.5, "more than LoRDQ can use")]
    public void A_budget_out_of_reach_is_refused(double bits, string words) =>
        Assert.Contains(words, Assert.Throws<ArgumentException>(() => new Lordq(bits).Fit([new("q", 64, 64)])).Message, StringComparison.Ordinal);

    [Fact]
    public void An_explicit_rank_goes_before_fraction_and_budget_and_no_further_than_the_shape()
    {
        var lordq = new Lordq(BitsPerWeight: 2, RankFraction: 0.9, Rank: 9);
        LayerShape[] shapes = [new("wide", 40, 64), new("thin", 5, 64)];
        Assert.Equal(lordq, lordq.Fit(shapes));
        var compressed = (ProductLinear)lordq.Compress(Some.Problem(40, 64));
        Assert.Equal(9, compressed.Rank);
        Assert.Equal(lordq.PlannedBits(shapes[0]), compressed.Bits);
        Assert.Equal(5, ((ProductLinear)lordq.Compress(Some.Problem(5, 64))).Rank);
        Assert.Contains("not 0", Assert.Throws<ArgumentException>((lordq with { Rank = 0 }).Validate).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Extra_damping_is_told()
    {
        var singular = new Matrix<double>(32, 32);
        for (int i = 0; i < 32; i++)
            for (int j = 0; j < 32; j++) singular[i, j] = i == j ? 1 : -1;  // far from positive definite
        var notes = new List<string>();
        var problem = Some.Problem(8, 32) with { Inputs = new(1, singular), Note = notes.Add };
        Assert.Throws<InvalidDataException>(() => new Gptq(new(4)).Compress(problem));

        for (int i = 0; i < 32; i++)
            for (int j = 0; j < 32; j++) singular[i, j] = i == j ? 1 : -0.034;
        new Gptq(new(4)).Compress(problem);
        Assert.Contains("damping raised from 0.01 to", Assert.Single(notes), StringComparison.Ordinal);
    }

    private static float[] Values(Method method, LayerProblem problem) => method.Compress(problem).ToDense().Data.ToArray();
}
