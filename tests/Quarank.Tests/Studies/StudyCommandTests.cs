using System.Text.Json;
using Quarank.Cli;
using Quarank.Tests.Cli;
using Xunit;

namespace Quarank.Tests.Studies;

public sealed class StudyCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("quarank-study-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string In(string name) => Path.Combine(_folder, name);

    private string[] Study(string name, params string[] more) =>
        ["study", name, TheProgram.Tales, "--calibration", TheProgram.Tale, "--samples", "4", "--length", "128", "--out", In(name), "--cache", In("cache"), .. more];

    [Fact]
    public void A_study_of_the_sample_model_is_written_as_a_page_as_JSON_and_as_plots()
    {
        var outcome = TheProgram.Run(Study("spectra"));
        Assert.True(outcome.Code == 0, outcome.ToString());
        Assert.Equal(File.ReadAllText(Path.Combine(In("spectra"), "study.md")), outcome.Out);
        foreach (string part in new[] { "## What the paper says", "## What we find", "## The reading", "holds" }) Assert.Contains(part, outcome.Out);
        foreach (string file in new[] { "retained.svg", "energy.svg", "spectra.svg", "gain.svg" })
        {
            Assert.Contains($"]({file})", outcome.Out);
            Assert.StartsWith("<svg", File.ReadAllText(Path.Combine(In("spectra"), file)));
        }

        var json = TheProgram.Run(Study("rank", "--json")).Json;
        Assert.Equal("rank", json.GetProperty("study").GetString());
        Assert.Equal("original", json.GetProperty("setting").GetProperty("propagate").GetString());
        Assert.Equal(42, json.GetProperty("layers").GetArrayLength());
        Assert.Equal(18, json.GetProperty("curves")[0].GetProperty("points").GetArrayLength());
        Assert.All(json.GetProperty("claims").EnumerateArray(), c => Assert.NotEqual(JsonValueKind.Undefined, c.GetProperty("holds").ValueKind));
        Assert.Equal(json.GetRawText(), JsonDocument.Parse(File.ReadAllText(Path.Combine(In("rank"), "study.json"))).RootElement.GetRawText());
        Assert.Empty(Directory.EnumerateFiles(_folder, "*.partial", SearchOption.AllDirectories));
    }

    [Fact]
    public void The_study_of_generalization_learns_each_block_from_each_number_of_sequences_and_keeps_what_is_done()
    {
        string[] arguments = ["study", "gap", TheProgram.Tales, "--calibration", TheProgram.Tale, "--samples", "6", "--length", "32", "--blocks", "0,2", "--sample-counts", "2,4",
            "--ranks", "3", "--unseen", "2", "--steps", "3", "--json", "--out", In("gap"), "--cache", In("cache")];
        var json = TheProgram.Run(arguments).Json;
        var points = json.GetProperty("gap").EnumerateArray().ToList();
        Assert.Equal(2 * (2 * 2 + 1), points.Count);
        Assert.All(points, p =>
        {
            Assert.InRange(p.GetProperty("seen").GetDouble(), 0, p.GetProperty("seenRounded").GetDouble());
            Assert.InRange(p.GetProperty("unseen").GetDouble(), 1e-9, 1);
            Assert.Equal(3, p.GetProperty("steps").GetInt32());
        });
        // Unseen sequences are the same ones whatever is learned, and what rounding does to them does not depend on it.
        foreach (var block in points.GroupBy(p => p.GetProperty("block").GetInt32())) Assert.Single(block.Select(p => p.GetProperty("unseenRounded").GetDouble()).Distinct());
        Assert.StartsWith("<svg", File.ReadAllText(Path.Combine(In("gap"), "gap-samples.svg")));
        Assert.StartsWith("<svg", File.ReadAllText(Path.Combine(In("gap"), "gap-ranks.svg")));
        Assert.Equal(json.GetRawText(), TheProgram.Run(arguments).Json.GetRawText());     // the seconds too: nothing was learned again
        var other = TheProgram.Run([.. arguments, "--text", TheProgram.Tale]).Json;
        Assert.Equal(points.Count, other.GetProperty("gap").GetArrayLength());
    }

    [Fact]
    public void What_a_study_cannot_use_is_refused_in_a_line()
    {
        Directory.CreateDirectory(In("full"));
        File.WriteAllText(Path.Combine(In("full"), "diary.txt"), "dear diary");
        (string[] Arguments, int Code, string Message)[] cases =
        [
            (Study("colours"), Application.WrongUsage, "blocks, bits, rank, spectra, methods"),
            (Study("rank", "--text", TheProgram.Tale), Application.WrongUsage, "says nothing to the study rank"),
            (Study("bits", "--pair", "6"), Application.WrongUsage, "such as 6,4"),
            (Study("blocks", "--bits", "2"), Application.WrongUsage, "it is for methods"),
            (Study("rank", "--propagate", "compressed"), Application.WrongInput, "look at the original"),
            (Study("blocks", "--bits-per-weight", "20", "--text", TheProgram.Tale), Application.WrongInput, "full rank takes"),
            (Study("blocks", "--text", TheProgram.Tale, "--text-length", "5000"), Application.WrongInput, "1,024 positions"),
            (Study("gap", "--blocks", "0,x"), Application.WrongUsage, "such as 0,10,20"),
            (Study("gap", "--blocks", "9", "--unseen", "1"), Application.WrongInput, "blocks 0 to 5"),
            (Study("gap", "--sample-counts", "9", "--unseen", "1"), Application.WrongInput, "raise --samples"),
            (Study("rank", "--unseen", "1"), Application.WrongUsage, "it is for gap"),
            ([.. Study("rank")[..^4], "--out", In("full")], Application.WrongInput, "holds no study"),
        ];
        foreach (var (arguments, code, message) in cases)
        {
            var outcome = TheProgram.Run(arguments);
            Assert.True(outcome.Code == code, outcome.ToString());
            Assert.Contains(message, outcome.Error);
            // Progress may stand before it on a slow machine.
            Assert.Single(outcome.Error.Split('\n'), line => line.StartsWith("quarank", StringComparison.Ordinal));
        }
        Assert.Equal(["diary.txt"], Directory.EnumerateFileSystemEntries(In("full")).Select(Path.GetFileName));
    }
}
