using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Models.Scaling;
using Quarank.Numerics;
using Quarank.Pipeline;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Pipeline;

/// <summary>Factors of channels taken out of one operation and put into the next leave a model's function as it was.</summary>
public class ChannelScalingTests
{
    public static TheoryData<string> Families => [.. SomeFamily.Names];

    [Theory, MemberData(nameof(Families))]
    public void Folded_factors_change_no_logits(string family)
    {
        var model = SomeFamily.Build(family);
        var changed = new List<StoredTensor>();
        int folds = 0;
        for (int block = 0; block < model.Spec.BlockCount; block++)
        {
            var scales = new List<FoldedScale>();
            foreach (var site in model.Spec.Sites)
                if (ScaleFold.Of(model.Spec, block, site).Fold is { } fold)
                    scales.Add(new(fold, ScaledTensors.Settle(model.Tensors, model.Spec, fold, SomeFactors(fold.FactorCount, block))));
            changed.AddRange(ScaledTensors.Of(model.Tensors, model.Spec, block, scales));
            folds += scales.Count;
        }
        Assert.True(folds >= 2 * model.Spec.BlockCount);
        AssertSameLogits(model, Model.Load(model.Tensors.With(changed), model.Config));
    }

    [Theory, MemberData(nameof(Families))]
    public void Factors_kept_with_the_layers_change_no_logits(string family)
    {
        var (model, scaled) = (SomeFamily.Build(family), SomeFamily.Build(family).Load());
        foreach (var projection in scaled.Blocks.SelectMany(b => b.Projections))
        {
            float[] stored = [.. SomeFactors(projection.Weight.Columns, 3).Select(f => (float)(Half)(1 / f))];
            var weight = ScaledProblem.Columns(projection.Weight.ToDense(), [.. stored.Select(f => 1 / f)]);
            projection.Weight = new ScaledLinear(new DenseLinear(weight), stored);
        }
        AssertSameLogits(model, scaled);
    }

    [Fact]
    public void What_cannot_take_factors_says_why()
    {
        Assert.Contains("router", ScaleFold.Of(SomeFamily.Build("mixtral").Spec, 0, new(SitePlace.Mlp, 1)).Refusal, StringComparison.Ordinal);
        Assert.Contains("no norm", ScaleFold.Of(SomeFamily.Build("opt-post-norm").Spec, 0, InputSite.Attention).Refusal, StringComparison.Ordinal);
        var gelu = SomeFamily.Build("opt").Spec with { Activation = Activation.GeluTanh };
        Assert.Contains("activation", ScaleFold.Of(gelu, 0, InputSite.MlpOutput).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Query_heads_that_read_one_value_head_share_its_factors()
    {
        var spec = SomeFamily.Build("llama").Spec;
        var fold = ScaleFold.Of(spec, 0, InputSite.AttentionOutput).Fold!;
        Assert.Equal(spec.KeyValueSize, fold.FactorCount);
        for (int j = 0; j < spec.QuerySize; j++)
            Assert.Equal(j / spec.HeadSize / spec.HeadsPerGroup * spec.HeadSize + j % spec.HeadSize, fold.FactorOf[j]);
    }

    [Fact]
    public void A_gain_in_bfloat16_takes_factors_without_a_loss()
    {
        var model = SomeFamily.Build("gemma2");
        string name = $"{model.Spec.Names.Block(0)}.{model.Spec.Names.AttentionNorm}.weight";
        var tensors = model.Tensors.With([StoredTensor.FromFloats(name, ElementType.BF16, model.Tensors[name].ReadAll(), model.Spec.HiddenSize)]);
        var fold = ScaleFold.Of(model.Spec, 0, InputSite.Attention).Fold!;
        float[] factors = ScaledTensors.Settle(tensors, model.Spec, fold, SomeFactors(fold.FactorCount, 1));
        var changed = ScaledTensors.Of(tensors, model.Spec, 0, [new(fold, factors)]);
        var (was, now) = (tensors[name].ReadAll(), changed.First(t => t.Name == name));
        Assert.Equal(ElementType.BF16, now.Type);
        float[] gain = now.ReadAll();
        for (int j = 0; j < gain.Length; j++) Assert.Equal(1 + was[j], (1 + gain[j]) * factors[j], 1e-6f);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    public void Awq_never_chooses_factors_that_are_worse_than_none(int bits)
    {
        var problem = Some.Problem(70, 160, outlier: 30);
        var (awq, rounding) = (new Awq(new RoundToNearest(new(bits, 32))), new RoundToNearest(new(bits, 32)));
        float[] factors = awq.Choose(new([problem])).Factors;
        var scaled = ScaledProblem.Of(problem, factors);
        double with = ProxyLoss.Relative(scaled, rounding.Compress(scaled)), without = ProxyLoss.Relative(problem, rounding.Compress(problem));
        Assert.True(with < 0.9 * without, $"{with} against {without}");     // one input of thirty times the others' size rules the loss
        var magnitudes = problem with { Inputs = problem.Inputs with { Magnitudes = [.. Enumerable.Range(0, 160).Select(j => j == 3 ? 30.0 : 1)] } };
        float[] others = (awq with { Activity = ChannelActivity.MeanMagnitude }).Choose(new([magnitudes])).Factors;
        Assert.Equal(others.Max(), others[3]);
        Assert.Contains("rootMeanSquare", Assert.Throws<InvalidDataException>(() => (awq with { Activity = ChannelActivity.MeanMagnitude }).Choose(new([problem]))).Message, StringComparison.Ordinal);
        Assert.All(awq.Choose(new([problem with { Inputs = new(1, White(160)) }])).Factors, f => Assert.Equal(1, f));
    }

    // What the search leaves out by estimates, and measures in floats, must not change what it finds.
    [Theory]
    [InlineData(2, 16, false)]
    [InlineData(3, 32, false)]
    [InlineData(4, 0, false)]
    [InlineData(3, 16, true)]
    public void Awq_finds_the_ratio_that_measuring_all_of_them_finds(int bits, int group, bool super)
    {
        var problem = Some.Problem(70, 160, dead: 3, outlier: 30);
        var site = new SiteProblem([problem, problem with { Weight = Some.Matrix(24, 160, 9) }]);
        var grid = new GridFormat(bits, group) { Super = super ? new(6, 64) : null };
        double[] activity = site.Activity(ChannelActivity.RootMeanSquare);
        float[][] factors = [.. Enumerable.Range(0, 20).Select(step => activity.Select(a => a > 0 ? (float)Math.Pow(a, step / 20.0) : 1).ToArray())];
        double[] losses = [.. factors.Select(f => site.Layers.Sum(l =>
        {
            var scaled = ScaledProblem.Of(l, f);
            return ProxyLoss.Relative(scaled, new RoundToNearest(grid).Compress(scaled)) * LinearAlgebra.QuadraticTrace(l.Weight, l.Inputs.Gram);
        }))];
        var (best, least, first) = new AwqSearch(grid, site).Best(factors);
        Assert.Equal(Array.IndexOf(losses, losses.Min()), best);
        Assert.Equal(1, least / losses.Min(), 1e-4);     // the search's sums in floats
        Assert.Equal(1, first / losses[0], 1e-4);
    }

    [Theory]
    [InlineData(Propagation.Original)]
    [InlineData(Propagation.Compressed)]
    public void A_run_folds_goes_on_and_says_so(Propagation propagation)
    {
        using var folder = new TemporaryFolder();
        string model = TinyLlama.Write(folder["model"]);
        File.WriteAllText(folder["text.txt"], string.Concat(Enumerable.Range(0, 400).Select(i => $"{i * i} hens, ")));
        var calibration = new CalibrationSettings([folder["text.txt"]]) { Samples = 6, Length = 40 };
        var recipe = new Recipe(new Awq(new RoundToNearest(new(4, 16), GridRange.Output)), calibration) { Propagate = propagation };
        var report = CompressionRun.Execute(model, folder["whole"], recipe);
        CompressionRun.Execute(model, folder["parts"], recipe, new RunOptions { StopAfter = 1 });
        var parts = CompressionRun.Execute(model, folder["parts"], recipe);
        Assert.Equal(report.Files, parts.Files);
        Assert.All(report.Layers, l => Assert.Contains("folded into", l.Scaling, StringComparison.Ordinal));
        Assert.All(report.Layers, l => Assert.IsType<GridFormat>(l.Form));
        Assert.Equal(new Awq(new RoundToNearest(new(4, 16), GridRange.Output)), Assert.Single(report.Methods));

        // With eight bits the scaled model says what the original says.
        CompressionRun.Execute(model, folder["fine"], recipe with { Method = new Awq(new RoundToNearest(new(8, 16)), Steps: 3) });
        using Checkpoint original = Checkpoint.Open(model), compressed = Checkpoint.Open(folder["fine"]);
        var (before, after) = (Model.Load(original), Model.Load(compressed));
        int[] ids = [1, 5, 9, 3, 7, 2];
        Matrix<float> expected = before.Logits(before.Forward(ids)), actual = after.Logits(after.Forward(ids));
        double size = expected.Data.ToArray().Max(Math.Abs);
        for (int i = 0; i < expected.Data.Length; i++) Assert.Equal(expected.Data[i], actual.Data[i], 0.03 * size);
    }

    [Theory]
    [InlineData(Propagation.Original)]
    [InlineData(Propagation.Compressed)]
    public void Scaled_inputs_are_rounded_when_they_have_been_scaled(Propagation propagation)
    {
        using var folder = new TemporaryFolder();
        string model = TinyLlama.Write(folder["model"]);
        File.WriteAllText(folder["text.txt"], string.Concat(Enumerable.Range(0, 400).Select(i => $"{i * i} hens, ")));
        var calibration = new CalibrationSettings([folder["text.txt"]]) { Samples = 6, Length = 40 };
        var method = new Awq(new RoundedInputs(new RoundToNearest(new(8, 0, GridOffset.None)), new(8, Static: true)), Steps: 4);
        var report = CompressionRun.Execute(model, folder["static"], new Recipe(method, calibration) { Propagate = propagation });
        Assert.All(report.Layers, l => Assert.Contains("folded into", l.Scaling, StringComparison.Ordinal));

        // A static range that reaches as far as the scaled inputs do, no more and no less.
        using var compressed = Checkpoint.Open(folder["static"]);
        var after = Model.Load(compressed);
        var name = after.Spec.Projections(0)[0].Name;
        float[] range = compressed.Tensors[$"{name}.range"].ReadArray<float>();
        float most = 0;
        var sequences = CalibrationSet.Read(calibration, Quarank.Tokenizers.Tokenizer.Load(model)).Sequences;
        foreach (int[] ids in sequences)
            after.Blocks[0].Forward(after.Embedding.Apply(ids), (site, x) =>
            {
                if (site == InputSite.Attention) most = Math.Max(most, x.Data.ToArray().Max(Math.Abs));
            }, new ForwardBuffers(after.Spec));
        Assert.Equal(most, range.Max(Math.Abs), 1e-5f * most);

        // Sums of rounded inputs are those of scaled ones: the measured error is the layer's own, of 8 bits.
        var lrc = CompressionRun.Execute(model, folder["lrc"], new Recipe(new Awq(new Lrc(new Gptq(new(8, 0, GridOffset.None)), new(8), 2, LrcRank.Fixed, Damping: 1e-6), Steps: 4), calibration) { Propagate = propagation });
        Assert.All(lrc.Layers, l => Assert.InRange(l.RelativeError, 0, 3e-4));
        using var original = Checkpoint.Open(model);
        using var corrected = Checkpoint.Open(folder["lrc"]);
        var (before, with) = (Model.Load(original), Model.Load(corrected));
        int[] tokens = sequences[0];     // of the kind that it is fitted to
        Matrix<float> expected = before.Logits(before.Forward(tokens)), actual = with.Logits(with.Forward(tokens));
        double size = expected.Data.ToArray().Max(Math.Abs);
        for (int i = 0; i < expected.Data.Length; i++) Assert.Equal(expected.Data[i], actual.Data[i], 0.05 * size);
    }

    [Fact]
    public void Rounded_inputs_whose_factors_cannot_be_folded_are_refused()
    {
        var inner = new RoundedInputs(new RoundToNearest(new(8)), new(8));
        Assert.Contains("folded", Assert.Throws<ArgumentException>(new Awq(inner, Fold: false).Validate).Message, StringComparison.Ordinal);
        Assert.Contains("inside", Assert.Throws<ArgumentException>(new RoundedInputs(new Awq(new RoundToNearest(new(8))), new(8)).Validate).Message, StringComparison.Ordinal);
        Assert.Contains("inside", Assert.Throws<ArgumentException>(new Lrc(new Awq(new RoundToNearest(new(8))), new(8)).Validate).Message, StringComparison.Ordinal);
        Assert.Contains("inside", Assert.Throws<ArgumentException>(new Corrected(new Awq(inner)).Validate).Message, StringComparison.Ordinal);
        var experts = Plan.Shapes(SomeFamily.Build("mixtral").Spec);
        Assert.Contains("router", Assert.Throws<InvalidDataException>(() => Assignment.Of(new Recipe(new Awq(inner), new(["text"])), experts)).Message, StringComparison.Ordinal);
    }

    private static void AssertSameLogits(SomeFamily model, Model scaled)
    {
        int[] ids = model.Ids(12);
        var original = model.Load();
        Matrix<float> expected = original.Logits(original.Forward(ids)), actual = scaled.Logits(scaled.Forward(ids));
        // Products of factors and their reciprocals round a dozen times on the way.
        double size = expected.Data.ToArray().Max(Math.Abs);
        for (int i = 0; i < expected.Data.Length; i++) Assert.Equal(expected.Data[i], actual.Data[i], 2e-5 * size);
    }

    private static float[] SomeFactors(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)Math.Exp(2 * random.NextDouble() - 1))];
    }

    private static Matrix<double> White(int order)
    {
        var h = new Matrix<double>(order, order);
        for (int i = 0; i < order; i++) h[i, i] = 1;
        return h;
    }
}
