using Quarank.Cli;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Cli;

/// <summary>A model turned by <c>transform</c>, compressed to 4-bit weights and inputs, and run.</summary>
public class TransformTests
{
    [Fact]
    public void A_turned_model_has_the_perplexity_it_had_and_is_compressed_to_4_and_8_bit_inputs()
    {
        using var folder = new TemporaryFolder();
        string text = folder["text.txt"];
        File.WriteAllText(text, string.Concat(Enumerable.Repeat("The king told a tale to the fox in the wood. ", 60)));
        string model = TinyLlama.Write(folder["model"]);
        var done = TheProgram.Run("transform", model, folder["turned"], "--rotate", "--seed", "3", "--type", "float32");
        Assert.True(done.Code == Application.Success, done.ToString());
        Assert.Contains("has a table of its own now", done.Out);
        Assert.Contains("residual stream (seed 3), values, before down, queries and keys", TheProgram.Run("inspect", folder["turned"]).Out);
        Assert.Equal(Perplexity(model), Perplexity(folder["turned"]), 1e-3 * Perplexity(model));    // the turned model is stored in float32, the other in float16
        Assert.Equal(Application.WrongInput, TheProgram.Run("transform", folder["turned"], folder["again"], "--rotate").Code);

        foreach (string[] way in (string[][])[["--input-bits", "8"], ["--input-bits", "4", "--lrc", "0.3"], ["--input-bits", "8", "--input-static", "--input-clip", "search"], ["--input-bits", "4", "--lrc", "0.3", "--lrc-fit", "weights"], ["--input-bits", "4", "--input-clip", "search", "--correction", "eora"]])
        {
            string outFolder = folder[string.Concat(way)];
            var compressed = TheProgram.Run(["compress", folder["turned"], outFolder, "--method", "gptq", "--bits", "4", "--group-size", "0", "--symmetric",
                "--calibration", text, "--samples", "4", "--length", "64", .. way]);
            Assert.True(compressed.Code == Application.Success, compressed.ToString());
            Assert.Contains("residual stream", TheProgram.Run("inspect", outFolder).Out);
            Assert.InRange(Math.Log(Perplexity(outFolder)), 0.5 * Math.Log(Perplexity(model)), 1.5 * Math.Log(Perplexity(model)));    // 4 bits on random weights: of the right kind
        }
        double Perplexity(string path)
        {
            var outcome = TheProgram.Run("evaluate", path, "--text", text, "--length", "64", "--json");
            Assert.True(outcome.Code == Application.Success, outcome.ToString());
            return outcome.Json.GetProperty("perplexity").GetDouble();
        }
    }

    [Fact]
    public void A_smoothed_model_has_the_perplexity_it_had_and_is_compressed_to_8_bit_inputs_of_one_range()
    {
        using var folder = new TemporaryFolder();
        string text = folder["text.txt"], model = TinyLlama.Write(folder["model"]);
        File.WriteAllText(text, string.Concat(Enumerable.Repeat("The king told a tale to the fox in the wood. ", 60)));
        string[] calibration = ["--calibration", text, "--samples", "4", "--length", "64"];
        var done = TheProgram.Run(["transform", model, folder["smoothed"], "--smooth", "0.5", "--type", "float32", .. calibration]);
        Assert.True(done.Code == Application.Success, done.ToString());
        Assert.Contains("norms smoothed", done.Out);
        Assert.Equal(Perplexity(model), Perplexity(folder["smoothed"]), 1e-3 * Perplexity(model));     // gains keep their float16
        foreach (string[] way in (string[][])[["rtn", "--input-static"], ["awq"], ["awq", "--input-static", "--input-clip", "0.9"]])
        {
            string outFolder = folder[string.Concat(way)];
            var compressed = TheProgram.Run(["compress", folder["smoothed"], outFolder, "--bits", "8", "--group-size", "0", "--symmetric", "--input-bits", "8", "--method", .. way, .. calibration]);
            Assert.True(compressed.Code == Application.Success, compressed.ToString());
            Assert.InRange(Math.Log(Perplexity(outFolder) / Perplexity(model)), -0.1, 0.1);
        }
        double Perplexity(string path)
        {
            var outcome = TheProgram.Run("evaluate", path, "--text", text, "--length", "64", "--json");
            Assert.True(outcome.Code == Application.Success, outcome.ToString());
            return outcome.Json.GetProperty("perplexity").GetDouble();
        }
    }

    [Theory]
    [InlineData("--rotate or --smooth", "--rotate", "--smooth", "0.5", "--calibration", "x")]
    [InlineData("needs --calibration", "--smooth", "0.5")]
    [InlineData("--samples belongs to --smooth", "--rotate", "--samples", "4")]
    [InlineData("--seed belongs to --rotate", "--smooth", "0.5", "--calibration", "x", "--seed", "4")]
    public void A_transform_takes_the_flags_of_its_kind_alone(string message, params string[] flags)
    {
        var refused = TheProgram.Run(["transform", TheProgram.Tales, "out", .. flags]);
        Assert.Equal(Application.WrongUsage, refused.Code);
        Assert.Contains(message, refused.Error);
    }

    [Theory]
    [InlineData("needs --input-bits", "--input-clip", "0.9")]
    [InlineData("needs --lrc", "--input-bits", "4", "--lrc-factor-bits", "8")]
    [InlineData("search, not 'much'", "--input-bits", "4", "--input-clip", "much")]
    public void Flags_that_do_not_belong_together_are_refused(string message, params string[] flags)
    {
        var refused = TheProgram.Run(["compress", TheProgram.Tales, "out", "--method", "rtn", "--calibration", "x", .. flags]);
        Assert.Equal(Application.WrongUsage, refused.Code);
        Assert.Contains(message, refused.Error);
    }
}
