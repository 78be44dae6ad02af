using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Pipeline;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Pipeline;

/// <summary>Gram matrices of weighted tokens, as sums and as a run uses them.</summary>
public sealed class TokenWeightTests : IDisposable
{
    private static readonly TokenWeights[] Every =
        [TokenWeights.None, TokenWeights.Unit, TokenWeights.SquareRoot, TokenWeights.Mixed, TokenWeights.Cut];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<TokenWeights, double> Weights => new()
    {
        { TokenWeights.None, 4 }, { TokenWeights.Unit, 4 }, { TokenWeights.SquareRoot, 4 },
        { TokenWeights.Mixed, 4 }, { TokenWeights.Cut, 4 }, { TokenWeights.Cut, 1 },
    };

    [Theory, MemberData(nameof(Weights))]
    public void Sums_are_those_of_a_double_loop(TokenWeights weights, double cut)
    {
        var sequences = Sequences(sink: 300);
        var gram = Gather(sequences, new([weights], cut)).For(weights).Gram;
        AssertNear(Direct(sequences, weights, cut), gram, 2e-6);   // float products of 60 tokens
    }

    [Fact]
    public void Mean_magnitudes_are_those_of_a_double_loop_whatever_the_weights()
    {
        var sequences = Sequences(sink: 300);
        double[] found = Gather(sequences, new([TokenWeights.Unit])).For(TokenWeights.Unit).Magnitudes!;
        for (int j = 0; j < found.Length; j++)
        {
            double expected = sequences.Average(s => Enumerable.Range(0, s.Rows).Average(t => (double)Math.Abs(s[t, j])));
            Assert.Equal(expected, found[j], 1e-5 * expected);
        }
    }

    /// <summary>The small tokens' matrix survives a sink whose square is 10¹⁰ times theirs, which a float sum would bury.</summary>
    [Fact]
    public void A_cut_keeps_the_small_tokens_exact_beside_an_enormous_one()
    {
        var sequences = Sequences(sink: 1e5f);
        AssertNear(Direct(sequences, TokenWeights.Cut, 4), Gather(sequences, new([TokenWeights.Cut])).For(TokenWeights.Cut).Gram, 2e-6);
    }

    [Fact]
    public void A_cut_above_all_norms_is_the_plain_sum()
    {
        var seen = Gather(Sequences(sink: 1), new([TokenWeights.Cut], 1000));
        Assert.Equal(seen.Inputs.Gram.Data.ToArray(), seen.For(TokenWeights.Cut).Gram.Data.ToArray());
    }

    [Fact]
    public void Weights_are_the_same_at_any_thread_count_and_beside_any_others()
    {
        var sequences = Sequences(sink: 50);
        int threads = Threads.Count;
        try
        {
            Threads.Count = 1;
            var one = Gather(sequences, new(Every));
            Threads.Count = 3;
            var three = Gather(sequences, new(Every));
            foreach (var w in Every)
            {
                Assert.Equal(one.For(w).Gram.Data.ToArray(), three.For(w).Gram.Data.ToArray());
                if (w is TokenWeights.Unit or TokenWeights.SquareRoot or TokenWeights.Cut)
                    Assert.Equal(one.For(w).Gram.Data.ToArray(), Gather(sequences, new([w])).For(w).Gram.Data.ToArray());
            }
        }
        finally
        {
            Threads.Count = threads;
        }
    }

    [Fact]
    public void Losses_are_measured_with_plain_tokens_whatever_a_layer_was_fitted_to()
    {
        var seen = Gather(Sequences(sink: 50), new([TokenWeights.Unit]));
        var weight = Some.Matrix(7, 20);
        var plain = new LayerProblem("layer", weight, seen.Inputs);
        var unit = plain with { Inputs = seen.For(TokenWeights.Unit) };
        var layer = new RoundToNearest(new(3)).Compress(plain);
        Assert.Equal(ProxyLoss.Relative(plain, layer), ProxyLoss.Relative(unit, layer));
        Assert.NotEqual(plain.Inputs.Gram.Data.ToArray(), unit.Inputs.Gram.Data.ToArray());
    }

    [Fact]
    public void Sinks_are_told_by_ratio_number_and_share_of_the_trace()
    {
        var sequences = Sequences(sink: 40);
        var sinks = Gather(sequences, TokenWeighting.Plain).Sinks;
        double[] norms = [.. sequences.SelectMany(NormsOf).Order()];
        double[] large = [.. norms.Where(n => n > 4 * norms[norms.Length / 2])];
        Assert.Equal(2, large.Length);
        Assert.Equal(2, sinks.Tokens);
        Assert.Equal(norms[^1] / norms[norms.Length / 2], sinks.Ratio, 1e-3);
        Assert.Equal(large.Sum(n => n * n) / norms.Sum(n => n * n), sinks.Share!.Value, 1e-6);
    }

    [Fact]
    public void Kept_statistics_serve_any_weights_and_gather_only_what_they_lack()
    {
        string model = TinyLlama.Write(_folder["model"]);
        File.WriteAllText(_folder["text.txt"], string.Concat(Enumerable.Range(0, 400).Select(i => $"{i * i} hens, ")));
        var options = new RunOptions { Statistics = _folder["statistics"] };
        CompressionReport Run(string name, TokenWeights weights, RunOptions? with, Counter? counter = null) =>
            CompressionRun.Execute(model, _folder[name], new(new Gptq(new GridFormat(3, 16)), new([_folder["text.txt"]])
            {
                Samples = 6,
                Length = 40,
                TokenWeights = weights,
            })
            { Propagate = Propagation.Original }, with, counter);

        Run("plain", TokenWeights.None, options);
        byte[] kept = File.ReadAllBytes(_folder["statistics/block-000.safetensors"]);
        var (first, again) = (new Counter(), new Counter());
        var unit = Run("unit", TokenWeights.Unit, options, first);
        var mixed = Run("mixed", TokenWeights.Mixed, options, again);
        Assert.NotEqual(0, first.ForwardPasses);
        Assert.Equal(0, again.ForwardPasses);
        Assert.Equal(kept, File.ReadAllBytes(_folder["statistics/block-000.safetensors"]));
        Assert.Equal(unit.Files, Run("unit alone", TokenWeights.Unit, null).Files);
        Assert.Equal(mixed.Files, Run("mixed alone", TokenWeights.Mixed, null).Files);
        Assert.All(unit.Layers, l => Assert.Equal((TokenWeights.Unit, true), (l.TokenWeights, l.SinkShare >= 0)));
    }

    private sealed class Counter : IProgress<RunProgress>
    {
        public int ForwardPasses { get; private set; }
        public void Report(RunProgress value)
        {
            lock (this) ForwardPasses += value is { Phase: RunPhase.Observe, Fraction: > 0 } ? 1 : 0;
        }
    }

    // Two sequences of 60 tokens and a token of zeros; the first token of each is as much larger than the others as asked.
    private static Matrix<float>[] Sequences(float sink) => [.. Enumerable.Range(0, 2).Select(s =>
    {
        var x = Some.Matrix(60, 20, seed: s + 1);
        foreach (ref float v in x.Row(0)) v *= sink;
        x.Row(17).Clear();
        return x;
    })];

    private static SiteStatistics Gather(Matrix<float>[] sequences, TokenWeighting weighting)
    {
        var collector = new StatisticsCollector(0, [InputSite.Mlp], weighting);
        for (int s = 0; s < sequences.Length; s++) collector.Add(s, InputSite.Mlp, sequences[s]);
        return collector.Finish()[InputSite.Mlp];
    }

    private static double[] NormsOf(Matrix<float> x) =>
        [.. Enumerable.Range(0, x.Rows).Select(t => Math.Sqrt(x.Row(t).ToArray().Sum(v => (double)v * v)))];

    private static double[] Direct(Matrix<float>[] sequences, TokenWeights weights, double cut)
    {
        if (weights == TokenWeights.Mixed)
        {
            var (plain, unit) = (Direct(sequences, TokenWeights.None, cut), Direct(sequences, TokenWeights.Unit, cut));
            double Trace(double[] g) => Enumerable.Range(0, 20).Sum(i => g[i * 21]);
            return [.. plain.Zip(unit, (p, u) => (p + u * Trace(plain) / Trace(unit)) / 2)];
        }
        var sum = new double[400];
        foreach (var x in sequences)
        {
            double[] norms = NormsOf(x);
            double median = norms.Order().ElementAt(norms.Length / 2);
            for (int t = 0; t < x.Rows; t++)
            {
                double w = norms[t] == 0 ? 0 : weights switch
                {
                    TokenWeights.Unit => 1 / norms[t],
                    TokenWeights.SquareRoot => 1 / Math.Sqrt(norms[t]),
                    TokenWeights.Cut => Math.Min(1, cut * median / norms[t]),
                    _ => 1,
                };
                for (int i = 0; i < 400; i++) sum[i] += w * w * x[t, i / 20] * x[t, i % 20] / (sequences.Length * x.Rows);
            }
        }
        return sum;
    }

    private static void AssertNear(double[] expected, Matrix<double> actual, double tolerance)
    {
        double largest = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual.Data[i], tolerance * largest);
    }
}
