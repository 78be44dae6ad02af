using System.Text.Json;
using Quarank.Cli;
using Xunit;

namespace Quarank.Tests.Cli;

/// <summary>The main path on the sample model: inspect, compress, evaluate, generate.</summary>
public sealed class EndToEndTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("quarank-cli-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string In(string name) => Path.Combine(_folder, name);

    private static Outcome Done(params string[] arguments)
    {
        var outcome = TheProgram.Run(arguments);
        Assert.True(outcome.Code == Application.Success, outcome.ToString());
        return outcome;
    }

    private static string[] Compress(string output, params string[] method) =>
        ["compress", TheProgram.Tales, output, "--calibration", TheProgram.Tale, "--samples", "6", "--length", "128", .. method];

    [Fact]
    public void Inspect_tells_what_the_sample_model_is()
    {
        string text = Done("inspect", TheProgram.Tales).Out;
        foreach (string expected in new[] { "LlamaForCausalLM", "1,024 tokens", "5,475,584 (5.48 million)", "F16", "11.0 MB",
            "8 of 32, 4 for keys and values", "704 x 256", "memory to run", "to compress" })
            Assert.Contains(expected, text);

        var json = Done("inspect", TheProgram.Tales, "--json").Json;
        Assert.Equal(5_475_584, json.GetProperty("parameters").GetInt64());
        Assert.Equal(42, json.GetProperty("layers").GetArrayLength());
        Assert.Equal("F16", json.GetProperty("dtype").GetString());
        Assert.Equal(0, json.GetProperty("compressedLayers").GetInt32());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("bitsPerWeight").ValueKind);

        // Six blocks of four heads of 32, keys and values in half floats.
        var memory = json.GetProperty("memory");
        Assert.Equal(json.GetProperty("tensorBytes").EnumerateObject().Sum(t => t.Value.GetInt64()), memory.GetProperty("weights").GetInt64());
        Assert.Equal(1000L * 6 * 4 * 32 * 2 * 2, memory.GetProperty("cachePerThousand").GetInt64());
        Assert.InRange(json.GetProperty("compressPeakBytes").GetInt64(), 400_000_000, 2_000_000_000);

        var tensors = Done("inspect", TheProgram.Tales, "--tensors", "--json").Json;
        Assert.Equal(json.GetProperty("tensorBytes").GetProperty("F16").GetInt64(),
            tensors.EnumerateArray().Sum(t => t.GetProperty("bytes").GetInt64()));
    }

    [Fact]
    public void Ids_of_a_text_turn_back_into_the_text()
    {
        var json = Done("tokenize", TheProgram.Tales, "--text", "Once upon a time, in München", "--json").Json;
        var ids = json.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32()).ToList();
        Assert.Equal(ids.Count, json.GetProperty("count").GetInt32());
        Assert.Equal(ids.Count, json.GetProperty("pieces").GetArrayLength());
        Assert.Equal("Once", json.GetProperty("pieces")[0].GetString());
        Assert.Equal("Once upon a time, in München\n", Done("detokenize", TheProgram.Tales, "--ids", string.Join(',', ids)).Out);
        Assert.Equal("Once upon a time, in München",
            Done("detokenize", TheProgram.Tales, "--ids", string.Join(',', ids), "--json").Json.GetProperty("text").GetString());

        File.WriteAllText(In("text.txt"), "Once upon");
        Assert.Equal(["   3023  Once", "    622  Ġupon", ""],
            Done("tokenize", TheProgram.Tales, "--file", In("text.txt")).Out.Split('\n'));
    }

    [Fact]
    public void Generation_streams_the_prompt_and_what_follows_and_repeats_itself_by_seed()
    {
        string[] command = ["generate", TheProgram.Tales, "--prompt", "Once upon a time there was", "--tokens", "12"];
        Assert.Equal("Once upon a time there was a great many years old, and the old woman was very\n", Done(command).Out);

        var json = Done([.. command, "--json"]).Json;
        Assert.Equal(" a great many years old, and the old woman was very", json.GetProperty("text").GetString());
        Assert.Equal(12, json.GetProperty("ids").GetArrayLength());

        string[] drawn = [.. command, "--temperature", "1", "--seed", "5"];
        Assert.Equal(Done(drawn).Out, Done(drawn).Out);
        Assert.NotEqual(Done(drawn).Out, Done([.. command, "--temperature", "1", "--seed", "6"]).Out);

        var texts = Done([.. drawn, "--texts", "2"]).Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.Equal(2, texts.Count);
        Assert.Equal(Done(drawn).Out.TrimEnd('\n'), texts[0].GetProperty("text").GetString());
    }

    [Fact]
    public void Evaluation_answers_as_promised()
    {
        var json = Done("evaluate", TheProgram.Tales, "--text", TheProgram.Tale, "--length", "256", "--segments", "4",
            "--json").Json;
        Assert.InRange(json.GetProperty("perplexity").GetDouble(), 30, 45);
        Assert.InRange(json.GetProperty("standardError").GetDouble(), 1, 5);
        Assert.Equal(4, json.GetProperty("segments").GetInt32());
        Assert.Equal(4 * 255, json.GetProperty("tokens").GetInt32());
        Assert.Equal(16, json.GetProperty("bitsPerWeight").GetDouble());
        Assert.Equal(new FileInfo(Path.Combine(TheProgram.Tales, "model.safetensors")).Length,
            json.GetProperty("fileBytes").GetInt64());

        var sliding = Done("evaluate", TheProgram.Tales, "--text", TheProgram.Tale, "--length", "256", "--segments", "4",
            "--stride", "128", "--json").Json;
        Assert.Equal(4 * 256 - 1, sliding.GetProperty("tokens").GetInt32());
        Assert.True(sliding.GetProperty("perplexity").GetDouble() < json.GetProperty("perplexity").GetDouble(),
            "more context must help this model within its 256 positions of training");
    }

    [Theory]
    [InlineData("rtn --bits 4 --group-size 64", 4.3125, "grid of 4 bits, groups of 64")]
    [InlineData("gptq --bits 3 --group-size 64 --clip --damping 0.02", 3.296875, "grid of 3 bits, groups of 64")]
    [InlineData("lordq --bits-per-weight 3", 3, "product of rank")]
    public void A_compressed_model_is_written_inspected_measured_and_heard(string method, double bits, string form)
    {
        string output = In("out");
        var report = Done([.. Compress(output, ["--method", .. method.Split(' ')]), "--json"]).Json;
        Assert.Equal(42, report.GetProperty("layers").GetArrayLength());
        Assert.InRange(report.GetProperty("bitsPerWeight").GetDouble(), bits * 0.97, bits + 0.01);
        Assert.Equal(report.GetRawText(),
            JsonDocument.Parse(File.ReadAllText(Path.Combine(output, "quarank-report.json"))).RootElement.GetRawText());

        Assert.Contains(form, Done("inspect", output).Out);
        var measured = Done("evaluate", output, "--text", TheProgram.Tale, "--length", "256", "--segments", "2", "--json").Json;
        Assert.Equal(report.GetProperty("bitsPerWeight").GetDouble(), measured.GetProperty("bitsPerWeight").GetDouble(), 9);
        Assert.Equal(report.GetProperty("fileBytes").GetInt64(), measured.GetProperty("fileBytes").GetInt64());
        Assert.InRange(measured.GetProperty("perplexity").GetDouble(), 30, 2000);
        Assert.StartsWith("The king", Done("generate", output, "--prompt", "The king", "--tokens", "3").Out);
    }

    [Fact]
    public void A_recipe_says_the_same_as_the_flags()
    {
        File.WriteAllText(In("recipe.json"), $$"""
            { // comments are welcome
              "method": { "method": "gptq", "grid": { "bits": 3, "groupSize": 64 }, "range": "clip" },
              "calibration": { "paths": ["nowhere"], "samples": 6, "length": 128 }
            }
            """);
        var byFlags = Done([.. Compress(In("flags"), "--method", "gptq", "--clip"), "--json"]).Json;
        var byRecipe = Done("compress", TheProgram.Tales, In("recipe"), "--recipe", In("recipe.json"), "--calibration",
            TheProgram.Tale, "--json").Json;
        Assert.Equal(byFlags.GetProperty("files").GetRawText(), byRecipe.GetProperty("files").GetRawText());
    }

    [Fact]
    public void A_dry_run_plans_and_writes_nothing()
    {
        var outcome = Done([.. Compress(In("out"), "--method", "lordq"), "--dry-run"]);
        Assert.Contains("bits per weight", outcome.Out);
        Assert.Contains("\"blocks\": 2", outcome.Out);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));

        var plan = Done([.. Compress(In("out"), "--method", "lordq"), "--dry-run", "--json"]).Json;
        Assert.InRange(plan.GetProperty("bitsPerWeight").GetDouble(), 1.94, 2);
    }

    [Fact]
    public void Every_shipped_recipe_fits_the_sample_model()
    {
        foreach (string recipe in Directory.EnumerateFiles(Path.Combine(Support.Repository.Root, "recipes"), "*.json"))
            Done("compress", TheProgram.Tales, In("out"), "--recipe", recipe, "--calibration", TheProgram.Tale, "--dry-run");
    }

    [Fact]
    public void Input_that_does_not_fit_the_model_ends_with_1_and_one_line()
    {
        File.WriteAllText(In("short.txt"), "Too short.");
        File.WriteAllBytes(In("latin1.txt"), [0x4D, 0xFC, 0x6C, 0x6C]);
        File.WriteAllText(In("bad.json"),
            """{ "method": { "method": "gptq", "grid": { "bits": 3 } }, "calibration": { "paths": ["x"] }, "colour": 1 }""");
        (string[] Arguments, string Message)[] cases =
        [
            (["evaluate", TheProgram.Tales, "--text", In("short.txt")], "too short"),
            (["evaluate", TheProgram.Tales, "--text", In("latin1.txt")], "not UTF-8"),
            (["evaluate", TheProgram.Tales, "--text", TheProgram.Tale, "--length", "2000"], "1,024 positions"),
            (["generate", TheProgram.Tales, "--prompt", string.Concat(Enumerable.Repeat("many words ", 1000))], "leave no room"),
            (["detokenize", TheProgram.Tales, "--ids", "99999"], "beyond the vocabulary"),
            (["compress", TheProgram.Tales, In("out"), "--method", "rtn", "--calibration", In("short.txt")], "too short"),
            (["compress", TheProgram.Tales, In("out"), "--method", "rtn", "--calibration", TheProgram.Tale, "--length", "2000"],
                "1,024 positions"),
            ([.. Compress(In("out"), "--method", "lordq", "--bits-per-weight", "20")], "full rank takes"),
            ([.. Compress(In("out"), "--method", "lordq", "--bits-per-weight", "0.01")], "too few"),
            (["compress", TheProgram.Tales, In("out"), "--recipe", In("bad.json")], "colour"),
        ];
        foreach (var (arguments, message) in cases)
        {
            var outcome = TheProgram.Run(arguments);
            Assert.True(outcome.Code == Application.WrongInput, outcome.ToString());
            Assert.Contains(message, outcome.Error);
            Assert.Single(outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), l => !l.StartsWith("memory: ", StringComparison.Ordinal));
            Assert.False(Directory.Exists(In("out")), "nothing half-written");
        }
    }

    [Fact]
    public void A_stopped_run_says_so_and_the_same_command_goes_on()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        string[] command = Compress(In("out"), "--method", "rtn");
        var stopped = TheProgram.Run(stop.Token, command);
        Assert.Equal(Application.Stopped, stopped.Code);
        Assert.StartsWith("memory: at most about ", stopped.Error);     // said before anything is done
        Assert.EndsWith("\nstopped; run the same command to go on\n", stopped.Error);
        Assert.False(Directory.Exists(In("out")));
        Done(command);
        Assert.True(File.Exists(Path.Combine(In("out"), "model.safetensors")));
    }

    [Fact]
    public void Too_little_memory_is_refused_with_what_would_do()
    {
        var outcome = TheProgram.Run([.. Compress(In("out"), "--method", "lordq"), "--max-ram", "50MB"]);
        Assert.Equal(Application.WrongInput, outcome.Code);
        Assert.Contains("0.05 GB of memory are too few: with hidden states on the disk and one sequence and one layer at a time", outcome.Error);
        Assert.False(Directory.Exists(In("out")));
        Assert.Contains("6GB", TheProgram.Run([.. Compress(In("out"), "--method", "lordq"), "--max-ram", "six"]).Error);
    }

    [Fact]
    public void Stopped_after_some_blocks_it_shows_where_the_time_went_and_then_goes_on_to_the_same_model()
    {
        string[] command = Compress(In("out"), "--method", "gptq");
        var stopped = Done([.. command, "--stop-after", "2"]);
        foreach (string words in (string[])["blocks finished", "| phase", "| Gram matrices", "a block"]) Assert.Contains(words, stopped.Out);
        Assert.Contains("goes on to", stopped.Error);
        Assert.False(Directory.Exists(In("out")));
        Assert.True(Directory.Exists(In("out") + ".run"));

        var whole = Done([.. command, "--json"]).Json;
        Assert.Equal(Done([.. Compress(In("other"), "--method", "gptq"), "--json"]).Json.GetProperty("files").GetRawText(),
            whole.GetProperty("files").GetRawText());
        var seconds = whole.GetProperty("seconds");
        foreach (string phase in (string[])["read", "observe", "gram", "compress", "loss", "forward", "store", "write"])
            Assert.True(seconds.GetProperty(phase).GetDouble() > 0, phase);
    }
}
