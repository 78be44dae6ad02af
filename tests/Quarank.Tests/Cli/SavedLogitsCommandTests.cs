using System.Text.Json;
using Quarank.Cli;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Cli;

/// <summary>evaluate --save-logits and --against-logits.</summary>
public sealed class SavedLogitsCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Saved_logits_of_tales_give_a_lower_bound_close_to_the_exact_divergence()
    {
        string logits = _folder["tales.logits"];
        string[] text = ["--text", TheProgram.Tale, "--length", "128", "--segments", "3"];
        File.WriteAllText(_folder["text.txt"], string.Concat(Enumerable.Repeat("The king told a tale to the fox in the wood. ", 40)));
        var made = TheProgram.Run("compress", TheProgram.Tales, _folder["small"], "--method", "rtn", "--bits", "3", "--calibration", _folder["text.txt"],
            "--samples", "1", "--length", "32");
        Assert.True(made.Code == Application.Success, made.ToString());

        var saved = TheProgram.Run(["evaluate", TheProgram.Tales, .. text, "--save-logits", logits]);
        Assert.True(saved.Code == Application.Success, saved.ToString());
        long size = 160 + 3 * (127 * 276 + 8);
        Assert.Equal(size, new FileInfo(logits).Length);
        Assert.Contains($"will take 105 kB: 381 positions of 276 bytes", saved.Error);
        Assert.Contains("105 kB: 381 positions of 276 bytes", saved.Out);

        var own = Against("evaluate", TheProgram.Tales, "--text", TheProgram.Tale, "--against-logits", logits);   // length and segments are the file's
        Assert.InRange(own.GetProperty("klMaximum").GetDouble(), 0, 1e-7);
        Assert.Equal(1, own.GetProperty("topAgreement").GetDouble());
        Assert.Equal(1, own.GetProperty("topFiveAgreement").GetDouble());

        var bound = Against(["evaluate", _folder["small"], .. text, "--against-logits", logits]);
        var exact = Against(["evaluate", _folder["small"], .. text, "--against", TheProgram.Tales]);
        Assert.Equal((true, false), (bound.GetProperty("klIsLowerBound").GetBoolean(), exact.GetProperty("klIsLowerBound").GetBoolean()));
        Assert.InRange(exact.GetProperty("klMean").GetDouble(), 0.01, 5);
        foreach (string figure in (string[])["klMean", "klMedian", "kl90", "kl99", "kl999", "klMaximum"])
        {
            double below = bound.GetProperty(figure).GetDouble(), whole = exact.GetProperty(figure).GetDouble();
            // Each token's bound is below its own divergence, so every percentile is too; the likeliest 64 of this model hold most of the mass.
            Assert.InRange(below, 0.75 * whole, whole + 1e-5);
            Assert.True(bound.GetProperty(figure + "Error").GetDouble() > 0, figure);
        }
        foreach (string figure in (string[])["topAgreement", "topAgreementError", "topFiveAgreement", "topFiveAgreementError", "perplexity", "lossDifference", "lossDifferenceError"])
            Assert.Equal(exact.GetProperty(figure).GetDouble(), bound.GetProperty(figure).GetDouble(), 1e-4);

        string table = TheProgram.Run(["evaluate", _folder["small"], .. text, "--against-logits", logits]).Out;
        foreach (string word in (string[])["a lower bound", "median", "90 %", "99 %", "99.9 %", "maximum", "same top token", "of the top 5", "right token"])
            Assert.Contains(word, table);

        Refused("another text", "evaluate", _folder["small"], "--text", _folder["text.txt"], "--against-logits", logits);
        Refused("give --length 128", "evaluate", _folder["small"], "--text", TheProgram.Tale, "--length", "64", "--against-logits", logits);
        Refused("3 segments, not the 4", "evaluate", _folder["small"], "--text", TheProgram.Tale, "--segments", "4", "--against-logits", logits);
        File.WriteAllBytes(_folder["cut"], File.ReadAllBytes(logits)[..^9]);
        Refused("cut off", "evaluate", _folder["small"], "--text", TheProgram.Tale, "--against-logits", _folder["cut"]);
    }

    [Theory]
    [InlineData("exclude each other", "--against", "x", "--save-logits", "y")]
    [InlineData("exclude each other", "--against-logits", "x", "--save-logits", "y")]
    [InlineData("leave out --stride", "--against-logits", "x", "--stride", "5")]
    [InlineData("leave out --activations", "--save-logits", "x", "--activations", "int8")]
    [InlineData("does not exist", "--save-logits", "no/such/folder/x")]
    public void Options_that_do_not_go_together_are_refused(string why, params string[] options)
    {
        var outcome = TheProgram.Run(["evaluate", TheProgram.Tales, "--text", TheProgram.Tale, .. options]);
        Assert.Equal(Application.WrongUsage, outcome.Code);
        Assert.Contains(why, outcome.Error);
    }

    private static JsonElement Against(params string[] arguments)
    {
        var outcome = TheProgram.Run([.. arguments, "--json"]);
        Assert.True(outcome.Code == Application.Success, outcome.ToString());
        return outcome.Json.GetProperty("against");
    }

    private static void Refused(string why, params string[] arguments)
    {
        var outcome = TheProgram.Run(arguments);
        Assert.Equal(Application.WrongInput, outcome.Code);
        Assert.Contains(why, Assert.Single(outcome.Error.Trim().Split('\n')));
    }
}
