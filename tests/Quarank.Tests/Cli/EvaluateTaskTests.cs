using Quarank.Cli;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Cli;

public sealed class EvaluateTaskTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public EvaluateTaskTests()
    {
        Directory.CreateDirectory(_folder["piqa"]);
        File.WriteAllLines(_folder["piqa/validation.jsonl"], Enumerable.Range(0, 6)
            .Select(i => $$"""{"goal":"Who lived in the wood?","sol1":"an old woman","sol2":"qx{{i}} zzv","label":{{(i == 5 ? 1 : 0)}}}"""));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Tasks_are_a_table_on_the_terminal()
    {
        var outcome = TheProgram.Run("evaluate", TheProgram.Tales, "--tasks", "piqa", "--data", _folder.Path);
        Assert.Equal(Application.Success, outcome.Code);
        Assert.Contains("| piqa |     1.0 |     0 |         6 | acc      | 0.8333 | 0.1667 |", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("6 documents in", outcome.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_and_tasks_make_one_report_on_the_terminal_and_in_a_file()
    {
        var outcome = TheProgram.Run("evaluate", TheProgram.Tales, "--tasks", "piqa", "--data", _folder.Path, "--limit", "4", "--text", TheProgram.Tale,
            "--length", "64", "--segments", "2", "--samples", "--json", "--output", _folder["out.json"]);
        Assert.True(outcome.Code == Application.Success, outcome.ToString());
        Assert.Equal(1, outcome.Json.GetProperty("results").GetProperty("piqa").GetProperty("acc,none").GetDouble());
        Assert.Equal(4, outcome.Json.GetProperty("samples").GetProperty("piqa").GetArrayLength());
        Assert.Equal(2, outcome.Json.GetProperty("perplexity").GetProperty("segments").GetInt32());
        Assert.Equal(5_475_584, outcome.Json.GetProperty("config").GetProperty("model_num_parameters").GetInt64());
        Assert.Equal(outcome.Out.TrimEnd(), File.ReadAllText(_folder["out.json"]));
    }

    [Fact]
    public void Model_and_tokenizer_are_loaded_once_for_a_text_and_tasks()
    {
        // What loading has to say is said once.
        var outcome = TheProgram.Run("evaluate", TheProgram.Tales, "--tasks", "piqa", "--data", _folder.Path, "--limit", "2", "--text", TheProgram.Tale,
            "--length", "64", "--segments", "1", "--tokenizer-rules", "class");
        Assert.True(outcome.Code == Application.Success, outcome.ToString());
        Assert.Single(outcome.Error.Split('\n'), line => line.StartsWith("note: ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("evaluate m", "Give --text, --tasks or both.")]
    [InlineData("evaluate m --text t --limit 3", "--limit belongs to --tasks.")]
    [InlineData("evaluate m --tasks piqa --segments 3", "--segments belongs to --text.")]
    [InlineData("evaluate m --tasks piqa --samples", "add --json or --output")]
    [InlineData("evaluate m --tasks piqa --output no/such/folder/x.json", "does not exist")]
    public void What_does_not_belong_together_is_refused(string line, string said)
    {
        var outcome = TheProgram.Run(line.Split(' '));
        Assert.Equal(Application.WrongUsage, outcome.Code);
        Assert.Contains(said, outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Unknown_tasks_and_missing_data_are_one_line()
    {
        Assert.Equal("quarank: There is no task 'pica'", Error("pica")[..32]);
        Assert.Contains("no test split of openbookqa; looked for openbookqa/main/test", Error("openbookqa"), StringComparison.Ordinal);

        string Error(string task)
        {
            var outcome = TheProgram.Run("evaluate", TheProgram.Tales, "--tasks", task, "--data", _folder.Path);
            Assert.Equal(Application.WrongInput, outcome.Code);
            return Assert.Single(outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }
    }
}
