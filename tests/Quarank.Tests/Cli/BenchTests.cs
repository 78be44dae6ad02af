using System.Text.Json;
using Quarank.Cli;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Cli;

/// <summary><c>quarank bench</c>: its tables, its JSON, what it leaves behind, what it refuses. No speed is expected.</summary>
public sealed class BenchTests : IDisposable
{
    private static readonly string[] Shape = ["--layers", "1", "--hidden", "64", "--intermediate", "96", "--heads", "4", "--kv-heads", "2", "--vocabulary", "50"];
    private static readonly string[] Quick = ["--prompt", "8", "--generate", "4", "--repetitions", "2"];
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static Outcome Done(params string[] arguments)
    {
        var outcome = TheProgram.Run(arguments);
        Assert.True(outcome.Code == Application.Success, outcome.ToString());
        return outcome;
    }

    [Fact]
    public void A_model_is_measured_in_one_table_under_what_it_is_and_what_the_machine_can_do()
    {
        string text = Done(["bench", TheProgram.Tales, "--breakdown", .. Quick]).Out;
        foreach (string expected in new[] { "5,475,584", "11.0 MB, 16.000 bits per weight", "threads", "limits", "GB/s by 1 thread", "| pp8", "| tg4", "sgemm", "memory", "outside kernels" })
            Assert.Contains(expected, text);
    }

    [Fact]
    public void Several_models_stand_in_one_table_with_their_perplexities()
    {
        TinyLlama.Write(_folder["a"]);
        TinyLlama.Write(_folder["b"], seed: 2);
        var json = Done(["bench", _folder["a"], _folder["b"], "--text", TheProgram.Tale, "--length", "64", "--segments", "2", "--json", .. Quick]).Json;
        var models = json.GetProperty("models").EnumerateArray().ToList();
        Assert.Equal(["a", "b"], models.Select(m => m.GetProperty("name").GetString()));
        Assert.All(models, m => Assert.True(m.GetProperty("perplexity").GetDouble() > 1));
        var alone = Done("evaluate", _folder["b"], "--text", TheProgram.Tale, "--length", "64", "--segments", "2", "--json").Json;
        Assert.Equal(alone.GetProperty("perplexity").GetDouble(), models[1].GetProperty("perplexity").GetDouble());
    }

    [Fact]
    public void Json_has_the_machine_its_limits_and_every_test()
    {
        var json = Done(["bench", "--synthetic", "--form", "f16,grid:4:32", "--head", "f16", "--json", .. Shape, .. Quick]).Json;
        Assert.True(json.GetProperty("threads").GetInt32() > 0);
        foreach (string limit in new[] { "readBytesPerSecondOneThread", "readBytesPerSecond", "sgemmOperationsPerSecond" })
            Assert.True(json.GetProperty("limits").GetProperty(limit).GetDouble() > 0);
        Assert.Equal("grid:4:32", json.GetProperty("reference").GetString());

        var models = json.GetProperty("models");
        Assert.Equal(2, models.GetArrayLength());
        long half = models[0].GetProperty("bytesPerToken").GetInt64(), head = 2 * 50 * 64;
        Assert.Equal(2 * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 64 * 96) + head, half);
        Assert.Equal(16, models[0].GetProperty("bitsPerWeight").GetDouble());
        Assert.Equal(JsonValueKind.Null, models[0].GetProperty("perplexity").ValueKind);
        var tests = models[1].GetProperty("tests");
        Assert.Equal(["pp8", "tg4"], tests.EnumerateArray().Select(t => t.GetProperty("test").GetString()));
        Assert.Equal(["sgemm", "read"], tests.EnumerateArray().Select(t => t.GetProperty("limit").GetString()));
        foreach (var test in tests.EnumerateArray())
        {
            Assert.Equal(2, test.GetProperty("seconds").GetArrayLength());
            Assert.Equal(1, test.GetProperty("timesReference").GetDouble());
            foreach (string name in new[] { "tokensPerSecond", "workPerSecond", "limitPerSecond", "shareOfLimit" })
                Assert.True(test.GetProperty(name).GetDouble() > 0, name);
        }
    }

    [Fact]
    public void Synthetic_models_are_left_behind_only_where_they_are_to_be_kept()
    {
        var outcome = Done(["bench", "--synthetic", "--form", "grid:4:32,lordq:2", "--keep", _folder["kept"], "--write-only", "--head", "f16", "--tokenizer", TheProgram.Tales, .. Shape]);
        Assert.Empty(outcome.Out);
        Assert.Equal(["grid-4-32", "lordq-2"], Directory.GetDirectories(_folder["kept"]).Select(Path.GetFileName).Order());
        Assert.True(File.Exists(Path.Combine(_folder["kept"], "lordq-2", "tokenizer.json")));
        var json = Done("inspect", Path.Combine(_folder["kept"], "grid-4-32"), "--json").Json;
        Assert.Equal(7, json.GetProperty("compressedLayers").GetInt32());
        Assert.Equal(2 * 50 * 64 + 2 * 64 * 64 + 2 * 32 * 64 + 3 * 64 * 96 + 3 * 64, json.GetProperty("parameters").GetInt64());
    }
}
