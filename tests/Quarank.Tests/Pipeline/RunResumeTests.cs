using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Pipeline;
using Xunit;

namespace Quarank.Tests.Pipeline;

/// <summary>Runs that were stopped, damaged, or stand in each other's way.</summary>
public sealed class RunResumeTests : SomeRuns
{
    [Theory]
    [MemberData(nameof(Ways))]
    public void Killed_at_any_moment_it_goes_on_to_the_same_bytes(Propagation propagate, Order order)
    {
        var recipe = TheRecipe with { Propagate = propagate, Order = order };
        var options = new RunOptions { HiddenStatesEvery = TimeSpan.Zero };
        int moments = 0;
        var whole = Run("whole", recipe, options, new Listener(_ => Copy("whole", $"killed-{moments++}")));
        Assert.True(moments > 24);
        for (int i = 0; i < moments; i += 2)
        {
            var resumed = Run($"killed-{i}", recipe, options);
            Assert.Equal(whole.Files, resumed.Files);
            Assert.Equal(whole.Files, Hashes($"killed-{i}"));
            Assert.Equal(whole.Layers.Select(l => (l.Name, l.Bits, l.RelativeError, l.Sink)),
                resumed.Layers.Select(l => (l.Name, l.Bits, l.RelativeError, l.Sink)));
            Assert.False(Directory.Exists(Folder[$"killed-{i}.run"]));
        }
    }

    [Theory]
    [InlineData("block-001.safetensors", "cut")]
    [InlineData("block-000.safetensors", "flip")]
    [InlineData("block-001.json", "cut")]
    [InlineData("block-000.json", "empty")]
    [InlineData("hidden-states.bin", "cut")]
    [InlineData("hidden-states.bin", "remove")]
    public void A_damaged_run_folder_costs_time_and_nothing_else(string file, string damage)
    {
        var options = new RunOptions { HiddenStatesEvery = TimeSpan.Zero };
        var whole = Run("whole", TheRecipe, options, new Listener(p =>
        {
            if (p is { Block: 2, Phase: RunPhase.Observe } && !Directory.Exists(Folder["out.run"])) Copy("whole", "out");
        }));
        string path = Path.Combine(Folder["out.run"], file);
        var bytes = File.ReadAllBytes(path);
        if (damage == "cut") File.WriteAllBytes(path, bytes[..(bytes.Length / 2)]);
        if (damage == "flip") bytes[^1] ^= 1;
        if (damage == "flip") File.WriteAllBytes(path, bytes);
        if (damage == "empty") File.WriteAllText(path, "");
        if (damage == "remove") File.Delete(path);
        File.WriteAllText(Path.Combine(Folder["out.run"], "block-002.safetensors.partial"), "half");
        File.WriteAllText(Path.Combine(Folder["out.run"], "manifest.json.partial"), "{");
        Assert.Equal(whole.Files, Run("out", TheRecipe, options).Files);
    }

    [Fact]
    public void Cancelled_it_leaves_a_run_folder_and_no_model()
    {
        using var stop = new CancellationTokenSource();
        var listener = new Listener(p =>
        {
            if (p is { Block: 1, Phase: RunPhase.Compress }) stop.Cancel();
        });
        Assert.ThrowsAny<OperationCanceledException>(
            () => CompressionRun.Execute(ModelFolder, Folder["out"], TheRecipe, null, listener, stop.Token));
        Assert.False(Directory.Exists(Folder["out"]));
        Assert.True(File.Exists(Folder["out.run/block-000.safetensors"]));
        Assert.Equal(Run("whole", TheRecipe).Files, Run("out", TheRecipe).Files);
    }

    [Fact]
    public void A_run_folder_of_another_recipe_is_refused_until_it_is_thrown_away()
    {
        Leave("out");
        var fewer = TheRecipe.Calibration with { Samples = 5 };
        var other = TheRecipe with { Method = new Gptq(new GridFormat(4, 16)), Calibration = fewer };
        string message = Refused("out", other);
        Assert.Contains("differs in the calibration tokens; the recipe (there {", message);
        Assert.Contains("--restart", message);
        Assert.Equal(Run("fresh", other).Files, Run("out", other, new RunOptions { Restart = true }).Files);
    }

    [Fact]
    public void A_run_folder_is_anothers_while_it_works()
    {
        string? message = null;
        Run("out", TheRecipe, null, new Listener(p =>
        {
            if (p is { Block: 1, Phase: RunPhase.Observe, Fraction: 0 })
                message = Assert.Throws<IOException>(() => CompressionRun.Execute(ModelFolder, Folder["out"], TheRecipe)).Message;
        }));
        Assert.Contains("another process works in this run folder", message);
    }

    [Fact]
    public void An_output_that_exists_stays_as_it_is()
    {
        Directory.CreateDirectory(Folder["out"]);
        File.WriteAllText(Folder["out/mine.txt"], "mine");
        Assert.Contains("exists already",
            Assert.Throws<IOException>(() => CompressionRun.Execute(ModelFolder, Folder["out"], TheRecipe)).Message);
        Assert.Equal("mine", File.ReadAllText(Folder["out/mine.txt"]));
        Directory.CreateDirectory(Folder["work"]);
        File.WriteAllText(Folder["work/block-000.txt"], "mine");
        Assert.Contains("holds no run", Refused("new", TheRecipe, new RunOptions { WorkFolder = Folder["work"] }));
        Assert.Equal("mine", File.ReadAllText(Folder["work/block-000.txt"]));
    }

    [Fact]
    public void A_run_killed_after_the_rename_only_clears_up()
    {
        Leave("out");
        Run("whole", TheRecipe);
        Directory.Move(Folder["whole"], Folder["out"]);
        var hashes = Hashes("out");
        Run("out", TheRecipe);
        Assert.Equal(hashes, Hashes("out"));
        Assert.False(Directory.Exists(Folder["out.run"]));

        Leave("other");
        Directory.Move(Folder["out"], Folder["other"]);
        Assert.Contains("exists already", Assert.Throws<IOException>(
            () => CompressionRun.Execute(ModelFolder, Folder["other"], TheRecipe with { Seed = 1 }, new() { Restart = true })).Message);
    }
}
