using System.Diagnostics;
using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Pipeline;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Pipeline;

public sealed class MemoryPlanTests : IDisposable
{
    /// <summary>A plan may exceed what is measured so many times: it counts the worst of everything, and 400 MB for the runtime and what lies about.</summary>
    private const double Factor = 3;

    private static readonly string Tales = Path.Combine(Repository.Root, "samples", "tales");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory, InlineData("lordq"), InlineData("gptq")]
    public async Task What_is_stated_before_the_run_bounds_what_is_measured_in_it(string method)
    {
        // A process of its own: the tests around this one take memory too.
        string[] arguments = ["exec", Path.Combine(AppContext.BaseDirectory, "Quarank.Cli.dll"), "compress", Tales, _folder["out"], "--method", method,
            "--calibration", Path.Combine(Repository.Root, "samples", "calibration.jsonl"), "--samples", "64", "--length", "512", "--threads", "2", "--json"];
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var reading = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string json = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken), error = await reading;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, error);
        var report = JsonDocument.Parse(json).RootElement;
        double planned = report.GetProperty("plannedMemoryBytes").GetDouble(), measured = report.GetProperty("peakMemoryBytes").GetDouble();
        Assert.InRange(planned, measured, Factor * measured);
        Assert.Contains("memory: at most about", error);
    }

    [Fact]
    public void Smaller_steps_are_taken_one_after_the_other_and_change_no_byte()
    {
        string model = TinyLlama.Write(_folder["model"]);
        File.WriteAllText(_folder["text.txt"], string.Concat(Enumerable.Range(0, 400).Select(i => $"{i * i} hens, ")));
        var recipe = new Recipe(new Lordq(3), new([_folder["text.txt"]]) { Samples = 6, Length = 40 });
        using var checkpoint = Checkpoint.Open(model);
        var spec = ModelSpec.Of(checkpoint);
        var plans = new List<MemoryPlan> { Plan.Of(checkpoint, spec, recipe).Memory };
        Assert.Empty(plans[0].Words());
        while (true)
        {
            long below = plans[^1].Peak - 1;
            try
            {
                plans.Add(Plan.Of(checkpoint, spec, recipe, below).Memory);
            }
            catch (InvalidDataException e)
            {
                Assert.Contains("too few", e.Message);
                break;
            }
            Assert.InRange(plans[^1].Peak, 0, below);
            Assert.NotEmpty(plans[^1].Words());
        }
        Assert.True(plans.Count > 2);
        Assert.True(plans[^1] is { Lanes: 1, LayersTogether: false, HiddenOnDisk: true });

        var files = CompressionRun.Execute(model, _folder["whole"], recipe).Files;
        for (int i = 1; i < plans.Count; i++)
        {
            var options = new RunOptions { MaxMemory = plans[i].Peak, HiddenStatesEvery = TimeSpan.Zero, StopAfter = 2 };
            Assert.Equal(2, CompressionRun.Execute(model, _folder[$"small-{i}"], recipe, options).StoppedAfter);
            var whole = CompressionRun.Execute(model, _folder[$"small-{i}"], recipe, options with { StopAfter = null });
            Assert.Equal(files, whole.Files);
            Assert.Null(whole.StoppedAfter);
            Assert.False(Directory.Exists(_folder[$"small-{i}.run"]));
        }
    }

    [Fact]
    public void Every_method_says_what_it_works_in()
    {
        foreach (var method in (Method[])[new RoundToNearest(new(3)), new Gptq(new(3)), new Lordq(Rank: 100), new Lordq(Rank: 100, Refit: true, Feedback: LordqFeedback.Both)])
            Assert.True(method.WorkBytes(4096, 11008) > method.WorkBytes(4096, 4096) && method.WorkBytes(4096, 4096) > 4L * 4096 * 4096);
    }
}
