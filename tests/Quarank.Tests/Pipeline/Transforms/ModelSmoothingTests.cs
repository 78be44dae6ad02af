using Quarank.Checkpoints;
using Quarank.Models;
using Quarank.Models.Scaling;
using Quarank.Numerics;
using Quarank.Pipeline;
using Quarank.Pipeline.Transforms;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Pipeline.Transforms;

/// <summary>A smoothed model is the same function, and its factors are those of spec §6.10.</summary>
public class ModelSmoothingTests
{
    public static TheoryData<string> Families => [.. SomeFamily.Names.Where(n => n != "opt-post-norm")];

    [Theory, MemberData(nameof(Families))]
    public void Its_logits_are_the_originals_but_for_float_noise(string name)
    {
        var some = SomeFamily.Build(name);
        var ids = some.Ids(50);
        var original = some.Load();
        Matrix<float> expected = original.Logits(original.Forward(ids));
        double size = expected.Data.ToArray().Max(Math.Abs);
        foreach (double alpha in (double[])[0.3, 0.85])
        {
            var (smoothed, norms) = ModelSmoothing.Smooth(some.Tensors, some.Config, Text(some), alpha, ElementType.F32);
            Assert.Equal(some.Spec.BlockCount * (some.Spec.ExpertCount > 0 ? 1 : 2), norms.Count);     // a router reads what experts read
            var model = Model.Load(smoothed.Tensors, smoothed.Config);
            var actual = model.Logits(model.Forward(ids));
            // Products of factors and their reciprocals round a dozen times on the way.
            for (int i = 0; i < expected.Data.Length; i++) Assert.Equal(expected.Data[i], actual.Data[i], 2e-5 * size);
        }
    }

    [Fact]
    public void A_channels_factor_weighs_its_largest_input_against_the_largest_weight_of_all_that_read_it()
    {
        var some = SomeFamily.Build("llama");
        var (text, spec) = (Text(some), some.Spec);
        var (smoothed, norms) = ModelSmoothing.Smooth(some.Tensors, some.Config, text, 0.6, ElementType.F32);
        string norm = $"{spec.Names.Block(0)}.{spec.Names.MlpNorm}";
        Assert.Contains(norms, n => n.Norm == norm);
        var places = spec.Projections(0).Where(p => p.Site == InputSite.Mlp).ToList();
        Matrix<float>[] before = [.. places.Select(p => some.Tensors[$"{p.Name}.weight"].ReadMatrix())], after = [.. places.Select(p => smoothed.Tensors[$"{p.Name}.weight"].ReadMatrix())];
        var peaks = new float[spec.HiddenSize];
        var model = some.Load();
        foreach (int[] ids in text.Sequences)
            model.Blocks[0].Forward(model.Embedding.Apply(ids), (site, x) =>
            {
                if (site != InputSite.Mlp) return;
                for (int t = 0; t < x.Rows; t++)
                    for (int j = 0; j < peaks.Length; j++) peaks[j] = Math.Max(peaks[j], Math.Abs(x[t, j]));
            }, new ForwardBuffers(spec));
        float[] was = some.Tensors[$"{norm}.weight"].ReadAll(), now = smoothed.Tensors[$"{norm}.weight"].ReadAll();
        for (int j = 0; j < peaks.Length; j++)
        {
            double largest = before.Max(w => Enumerable.Range(0, w.Rows).Max(i => Math.Abs(w[i, j]))), factor = Math.Pow(peaks[j], 0.6) / Math.Pow(largest, 0.4);
            Assert.Equal(factor, was[j] / now[j], 1e-3 * factor);      // gains are stored in float16
            for (int p = 0; p < before.Length; p++) Assert.Equal(before[p][2, j] * (was[j] / now[j]), after[p][2, j], 1e-5f * Math.Abs(after[p][2, j]));
        }
    }

    [Fact]
    public void An_outlier_channel_is_flattened_and_a_channel_that_never_speaks_stays()
    {
        var some = SomeFamily.Build("llama");
        string norm = $"{some.Spec.Names.Block(1)}.{some.Spec.Names.AttentionNorm}";
        float[] gain = some.Tensors[$"{norm}.weight"].ReadAll();
        (gain[3], gain[7]) = (200, 0);
        var tensors = some.Tensors.With([StoredTensor.FromFloats($"{norm}.weight", ElementType.F32, gain, gain.Length)]);
        var (smoothed, norms) = ModelSmoothing.Smooth(tensors, some.Config, Text(some), 0.7);
        var seen = norms.Single(n => n.Norm == norm);
        Assert.True(seen.Before > 10 && seen.After < seen.Before / 3, seen.ToString());
        Assert.Equal(0, smoothed.Tensors[$"{norm}.weight"].ReadAll()[7]);
        string query = $"{some.Spec.Projections(1)[0].Name}.weight";
        var (w, scaled) = (tensors[query].ReadMatrix(), smoothed.Tensors[query].ReadMatrix());
        for (int i = 0; i < w.Rows; i++) Assert.Equal(w[i, 7], scaled[i, 7]);
        Assert.Equal(tensors[query].Type, smoothed.Tensors[query].Type);
    }

    [Fact]
    public void What_cannot_be_smoothed_is_refused_by_name()
    {
        var (post, llama) = (SomeFamily.Build("opt-post-norm"), SomeFamily.Build("llama"));
        Assert.Contains("OPTForCausalLM", Assert.Throws<NotSupportedException>(() => ModelSmoothing.Smooth(post.Tensors, post.Config, Text(post), 0.5)).Message, StringComparison.Ordinal);
        Assert.Contains("not 1.5", Assert.Throws<ArgumentException>(() => ModelSmoothing.Smooth(llama.Tensors, llama.Config, Text(llama), 1.5)).Message, StringComparison.Ordinal);
        var turned = ModelRotation.Rotate(llama.Tensors, llama.Config, new(0, true, true, true));
        Assert.Contains("rotated", Assert.Throws<InvalidDataException>(() => ModelSmoothing.Smooth(turned.Tensors, turned.Config, Text(llama), 0.5)).Message, StringComparison.Ordinal);
    }

    private static CalibrationSet Text(SomeFamily some) => CalibrationSet.Of([some.Ids(40, 1), some.Ids(40, 2), some.Ids(40, 3)]);
}
