using Quarank.Cli;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Cli;

/// <summary>Comparisons from the command line, on the small random model.</summary>
public sealed class CompareTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("quarank-compare-").FullName;
    private readonly string _model;

    public CompareTests() => _model = TinyLlama.Write(In("tiny"));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string In(string name) => Path.Combine(_folder, name);

    private string[] Compare(params string[] more) =>
        ["compare", _model, "--calibration", TheProgram.Tale, "--samples", "4", "--length", "64", "--text", TheProgram.Tale, "--segments", "3",
            "--evaluation-length", "64", "--out", In("out"), .. more];

    [Fact]
    public void A_table_three_files_and_the_same_again_from_what_is_kept()
    {
        string[] command = Compare("--recipes", "gptq:clip,lordq-2bit", "--bits-per-weight", "6,10.7");
        var outcome = TheProgram.Run(command);
        Assert.True(outcome.Code == Application.Success, outcome.ToString());
        Assert.Contains("| lordq-2bit | lordq, 3.", outcome.Out);
        Assert.Contains("not measured: gptq:clip at 10.7 bits: not at this size: the nearest it can have", outcome.Out);
        Assert.Equal(["comparison.html", "comparison.json", "comparison.md"], Directory.EnumerateFiles(In("out")).Select(Path.GetFileName).Order());

        var json = TheProgram.Run([.. command, "--json"]).Json;
        Assert.Equal(File.ReadAllText(In("out/comparison.json")).Trim(), json.ToString().Trim());
        Assert.Equal(4, json.GetProperty("rows").GetArrayLength());
        var row = json.GetProperty("rows")[3];
        Assert.Equal("lordq-2bit", row.GetProperty("name").GetString());
        foreach (string measure in new[] { "fileBytes", "missPercent", "bitsPerWeight", "relativeErrorMean", "relativeErrorWorst", "secondsCompress",
            "secondsEvaluate", "tokensPerSecond", "peakMemoryBytes" })
            Assert.True(double.IsFinite(row.GetProperty("measures").GetProperty(measure).GetDouble()), measure);
        foreach (string measure in new[] { "perplexity", "standardError", "lossDifference", "lossDifferenceError", "klMean", "kl99", "topAgreement" })
            Assert.True(double.IsFinite(row.GetProperty("measures").GetProperty("texts")[0].GetProperty(measure).GetDouble()), measure);
    }

    [Fact]
    public void A_model_is_evaluated_against_the_one_it_was_made_of()
    {
        string[] evaluate = ["--text", TheProgram.Tale, "--length", "64", "--segments", "3"];
        Assert.Equal(Application.Success, TheProgram.Run("compress", _model, In("made"), "--method", "rtn", "--bits", "4",
            "--calibration", TheProgram.Tale, "--samples", "2", "--length", "64").Code);
        var json = TheProgram.Run(["evaluate", In("made"), "--against", _model, "--json", .. evaluate]).Json;
        var against = json.GetProperty("against");
        Assert.Equal(TheProgram.Run(["evaluate", _model, "--json", .. evaluate]).Json.GetProperty("perplexity").GetDouble(),
            against.GetProperty("perplexity").GetDouble(), 1e-2);
        Assert.InRange(against.GetProperty("klMean").GetDouble(), 1e-6, 5);
        Assert.Contains("same top token   100.00 ± 0.00 %", TheProgram.Run(["evaluate", _model, "--against", _model, .. evaluate]).Out);
        Assert.Contains("divergence       0.0000 ± 0.0000", TheProgram.Run(["evaluate", _model, "--against", _model, .. evaluate]).Out);
    }

    [Fact]
    public void What_cannot_be_compared_is_refused_in_one_line()
    {
        File.WriteAllText(In("short.txt"), "short");
        (string[] Arguments, string Message)[] cases =
        [
            (Compare("--recipes", "magic", "--bits-per-weight", "3"), "'magic' is no recipe"),
            (Compare("--recipes", "gptq:colour=1", "--bits-per-weight", "3"), "colour"),
            (Compare("--recipes", "gptq", "--bits-per-weight", "3", "--evaluation-length", "200"), "128 positions"),
            (Compare("--recipes", "gptq", "--bits-per-weight", "3", "--length", "200"), "128 positions"),
            (Compare("--recipes", "gptq", "--bits-per-weight", "3", "--text", In("short.txt")), "too short"),
            (Compare("--recipes", "gptq:actOrder,group=16", "--bits-per-weight", "3"), "static groups"),
            (["evaluate", TheProgram.Tales, "--against", _model, "--text", TheProgram.Tale, "--length", "64"], "vocabularies differ"),
        ];
        foreach (var (arguments, message) in cases)
        {
            // Options given twice: the last ones are the case's own.
            var outcome = TheProgram.Run(Last(arguments));
            Assert.True(outcome.Code == Application.WrongInput, outcome.ToString());
            Assert.Contains(message, outcome.Error);
            Assert.Single(outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }
    }

    private static string[] Last(string[] arguments)
    {
        var kept = arguments.ToList();
        for (int i = kept.Count - 1; i > 0; i--)
            if (kept[i].StartsWith("--", StringComparison.Ordinal) && kept.IndexOf(kept[i]) is var first && first < i)
            {
                kept.RemoveRange(first, 2);
                i -= 2;
            }
        return [.. kept];
    }
}
