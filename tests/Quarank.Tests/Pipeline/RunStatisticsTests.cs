using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Models;
using Quarank.Pipeline;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Pipeline;

/// <summary>What runs see of a model's inputs, and keep of it.</summary>
public sealed class RunStatisticsTests : SomeRuns
{
    [Fact]
    public void Statistics_kept_in_a_folder_give_the_same_model_without_a_forward_pass()
    {
        var recipe = TheRecipe with { Propagate = Propagation.Original };
        var options = new RunOptions { Statistics = Folder["statistics"] };
        var plain = Run("plain", recipe);
        var first = Run("first", recipe, options);
        int forward = 0;
        var second = Run("second", recipe, options,
            new Listener(p => forward += p.Phase == RunPhase.Observe && p.Fraction > 0 ? 1 : 0));
        Assert.Equal(plain.Files, first.Files);
        Assert.Equal(plain.Files, second.Files);
        Assert.Equal(plain.Layers.Select(l => (l.RelativeError, l.Sink)), second.Layers.Select(l => (l.RelativeError, l.Sink)));
        Assert.Equal(0, forward);

        File.Delete(Folder["statistics/block-001.safetensors"]);
        Assert.Equal(plain.Files, Run("third", recipe, options).Files);
        Assert.True(File.Exists(Folder["statistics/block-001.safetensors"]));
    }

    [Fact]
    public void Statistics_of_another_model_or_text_are_refused()
    {
        var recipe = TheRecipe with { Propagate = Propagation.Original };
        var options = new RunOptions { Statistics = Folder["statistics"] };
        Run("first", recipe, options);
        var other = recipe with { Calibration = recipe.Calibration with { Samples = 5 } };
        Assert.Contains("belong to other calibration tokens", Refused("out", other, options));
        TinyLlama.Write(Folder["model2"], seed: 2);
        Assert.Contains("belong to another model", Assert.Throws<InvalidDataException>(
            () => CompressionRun.Execute(Folder["model2"], Folder["out"], recipe, options)).Message);
        Assert.Contains("only with propagate \"original\"", Refused("out", TheRecipe, options));
        Assert.False(Directory.Exists(Folder["out.run"]));
    }

    [Fact]
    public void A_token_that_dwarfs_the_others_shows_as_a_sink()
    {
        var collector = new StatisticsCollector(0, [InputSite.Mlp]);
        var inputs = Some.Matrix(31, 8);
        inputs.Row(4).Fill(100);
        collector.Add(0, InputSite.Mlp, inputs);
        double Norm(int i) => Math.Sqrt(inputs.Row(i).ToArray().Sum(x => (double)x * x));
        double[] norms = [.. Enumerable.Range(0, 31).Select(Norm).Order()];
        var seen = collector.Finish()[InputSite.Mlp];
        Assert.Equal(norms[30] / norms[15], seen.Sinks.Ratio, 1e-4);
        Assert.Equal(31, seen.Inputs.Tokens);
    }

    [Fact]
    public void Activations_that_overflow_stop_the_run_by_name()
    {
        TinyLlama.Write(Folder["wild"], scale: 1e20f, type: ElementType.F32);
        string message = Assert.Throws<InvalidDataException>(
            () => CompressionRun.Execute(Folder["wild"], Folder["out"], TheRecipe)).Message;
        Assert.StartsWith("Block 0: an input of ", message);
        Assert.Contains("is not finite (sequence 0, token ", message);
    }
}
