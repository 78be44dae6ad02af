using Quarank.Cli;
using Quarank.Pipeline;
using Quarank.Studies;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Cli;

/// <summary>A size without a method, and layers that plain rounding does better.</summary>
public sealed class PresetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _model;

    public PresetTests() => _model = TinyLlama.Write(_folder["tiny"]);

    public void Dispose() => _folder.Dispose();

    private Outcome Compress(string output, params string[] more) => TheProgram.Run(
        ["compress", _model, _folder[output], "--calibration", TheProgram.Tale, "--samples", "4", "--length", "64", .. more]);

    [Fact]
    public void A_size_alone_takes_the_best_recipe_known_and_says_which_and_why()
    {
        var outcome = Compress("made", "--bits-per-weight", "4.5");
        Assert.True(outcome.Code == Application.Success, outcome.ToString());
        var report = CompressionReport.TryLoad(_folder["made"])!;
        var preset = Presets.At(4.5);
        Assert.StartsWith(preset.ToString(), report.Choice, StringComparison.Ordinal);
        Assert.Contains(report.Choice!, outcome.Error.Split('\n'));
        Assert.InRange(report.BitsPerWeight, 4.5 * 0.9, 4.5 * 1.02);
        Assert.Equal(RecipeShorthand.One(preset.Recipe, null).Recipe.Method.GetType(), report.Recipe.Method.GetType());
        Assert.Contains("from 1.9 to 8.5", Compress("none", "--bits-per-weight", "1").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Layers_worse_than_plain_rounding_are_replaced_or_kept_as_asked_and_named()
    {
        string[] lordq = ["--method", "lordq", "--bits-per-weight", "5"];
        var outcome = Compress("made", lordq);
        Assert.Equal(Application.Success, outcome.Code);
        var report = CompressionReport.TryLoad(_folder["made"])!;
        int replaced = report.Layers.Count(l => l.Replaced);
        Assert.InRange(replaced, 1, report.Layers.Count);   // random weights have no low rank
        Assert.Contains($"plain rounding: {replaced} of {report.Layers.Count} layers came out worse than plain rounding of no more bytes and were replaced by it: ",
            outcome.Error, StringComparison.Ordinal);

        var kept = Compress("kept", [.. lordq, "--no-fallback"]);
        Assert.Contains("are kept as asked; the worst is model.layers.", kept.Error, StringComparison.Ordinal);
        var own = CompressionReport.TryLoad(_folder["kept"])!;
        Assert.DoesNotContain(own.Layers, l => l.Replaced);
        Assert.Contains(own.Layers, l => l.PlainRounding < l.RelativeError);
        // The first block sees the same inputs in both runs.
        Assert.All(report.Layers.Zip(own.Layers).Take(7).Where(p => p.First.Replaced), p => Assert.True(p.First.RelativeError < p.Second.RelativeError && p.First.Bits <= p.Second.Bits));
    }
}
