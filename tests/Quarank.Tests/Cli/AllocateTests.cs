using Quarank.Cli;
using Xunit;

namespace Quarank.Tests.Cli;

/// <summary>Allocation on the sample model, from the command line.</summary>
public sealed class AllocateTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("quarank-allocate-").FullName;
    private readonly string _choices;

    public AllocateTests()
    {
        File.WriteAllText(In("two.json"), """{ "method": "gptq", "grid": { "bits": 2, "groupSize": 64 } }""");
        File.WriteAllText(In("four.json"), """{ "method": { "method": "gptq", "grid": { "bits": 4 } }, "calibration": { "paths": ["nowhere"] } }""");
        _choices = $"{In("two.json")},{In("four.json")}";
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string In(string name) => Path.Combine(_folder, name);

    private static string[] With(params string[] command) =>
        [.. command, "--calibration", TheProgram.Tale, "--samples", "4", "--length", "64", "--probes", "2", "--probe-length", "48"];

    [Fact]
    public void Allocated_compressed_and_found_again_in_the_report()
    {
        string[] command = With("allocate", TheProgram.Tales, "--choices", _choices, "--bits-per-weight", "3", "--out", In("mixed.json"));
        var outcome = TheProgram.Run(command);
        Assert.True(outcome.Code == Application.Success, outcome.ToString());
        foreach (string expected in new[] { "allocated", "two", "four", "model.layers.5.mlp.down_proj", "kept:" }) Assert.Contains(expected, outcome.Out);
        Assert.True(File.Exists(In("mixed.allocation.json")));

        var json = TheProgram.Run([.. command, "--json"]).Json;
        double bits = json.GetProperty("bitsPerWeight").GetDouble();
        Assert.InRange(bits, 2.3, 3);
        Assert.Equal(42, json.GetProperty("layers").GetArrayLength());

        var byRecipe = TheProgram.Run("compress", TheProgram.Tales, In("by-recipe"), "--recipe", In("mixed.json"), "--json").Json;
        Assert.Equal(bits, byRecipe.GetProperty("bitsPerWeight").GetDouble(), 12);
        var atOnce = TheProgram.Run([.. With("compress", TheProgram.Tales, In("at-once"), "--choices", _choices, "--bits-per-weight", "3"), "--json"]);
        Assert.True(atOnce.Code == Application.Success, atOnce.ToString());
        Assert.Equal(byRecipe.GetProperty("files").GetRawText(), atOnce.Json.GetProperty("files").GetRawText());
        Assert.Contains("kept:", atOnce.Error);
        Assert.True(File.Exists(In("at-once.allocation.json")));
        Assert.False(Directory.Exists(In("at-once.allocation")));
    }

    [Fact]
    public void What_does_not_go_together_is_refused()
    {
        (string[] Arguments, string Says, int Code)[] cases =
        [
            (With("allocate", TheProgram.Tales, "--choices", _choices, "--out", In("r.json")), "--bits-per-weight", Application.WrongUsage),
            (With("allocate", TheProgram.Tales, "--bits-per-weight", "3", "--out", In("r.json")), "either --choices or a --recipe", Application.WrongUsage),
            (With("compress", TheProgram.Tales, In("out"), "--choices", _choices), "--choices needs --bits-per-weight", Application.WrongUsage),
            (With("compress", TheProgram.Tales, In("out"), "--choices", _choices, "--bits-per-weight", "3", "--bits", "3"), "leave out --bits", Application.WrongUsage),
            (With("compress", TheProgram.Tales, In("out"), "--method", "rtn"), "--probes weighs choices", Application.WrongUsage),
            (With("compress", TheProgram.Tales, In("out"), "--choices", _choices, "--bits-per-weight", "1"), "too few", Application.WrongInput),
            (With("compress", TheProgram.Tales, In("out"), "--choices", In("no.json"), "--bits-per-weight", "3"), "no.json", Application.WrongInput),
        ];
        foreach (var (arguments, says, code) in cases)
        {
            var outcome = TheProgram.Run(arguments);
            Assert.True(outcome.Code == code, outcome.ToString());
            Assert.Contains(says, outcome.Error);
            Assert.False(Directory.Exists(In("out")));
        }
    }
}
