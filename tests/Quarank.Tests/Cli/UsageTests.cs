using Quarank.Cli;
using Xunit;

namespace Quarank.Tests.Cli;

/// <summary>Exit codes and messages of commands that cannot even start.</summary>
public class UsageTests
{
    [Theory]
    [InlineData("", "Commands")]
    [InlineData("frobnicate", "frobnicate")]
    [InlineData("inspect", "Required argument missing")]
    [InlineData("inspect a b", "'b'")]
    [InlineData("inspect a --colour", "--colour")]
    [InlineData("tokenize a", "either --text or --file")]
    [InlineData("tokenize a --text b --file c", "either --text or --file")]
    [InlineData("detokenize a", "--ids")]
    [InlineData("detokenize a --ids 1,x", "not 'x'")]
    [InlineData("detokenize a --ids -1", "not '-1'")]
    [InlineData("generate a", "--prompt")]
    [InlineData("generate a --prompt b --tokens 0", "from 1 up, not '0'")]
    [InlineData("generate a --prompt b --tokens many", "a whole number from 1 up, not 'many'")]
    [InlineData("generate a --prompt b --temperature -1", "from 0 to 100, not '-1'")]
    [InlineData("generate a --prompt b --top-p 1.5", "--top-p")]
    [InlineData("generate a --prompt b --texts 2 --json", "leave out --json")]
    [InlineData("generate a --prompt b --system c", "--system needs --chat")]
    [InlineData("generate a --prompt b --parse-special", "--parse-special needs --chat")]
    [InlineData("generate a --chat --texts 2", "--texts does not go with --chat")]
    [InlineData("evaluate a", "--text")]
    [InlineData("evaluate a --text b --length 1", "from 2 up, not '1'")]
    [InlineData("evaluate a --text b --length 64 --stride 64", "less than --length")]
    [InlineData("evaluate a --text b --threads 0", "from 1 to 1024, not '0'")]
    [InlineData("evaluate a --text b --against c --stride 9", "leave out --stride")]
    [InlineData("compare a --text b --calibration c --bits-per-weight 2", "--recipes")]
    [InlineData("compare a --recipes b --text b --calibration c", "A size is required")]
    [InlineData("compare a --recipes b --text b --bits-per-weight 2", "--calibration")]
    [InlineData("compare a --recipes b --text b --calibration c --bits-per-weight 2,x", "not 'x'")]
    [InlineData("compare a --recipes b --text b --calibration c --bytes -1", "not '-1'")]
    [InlineData("compress a", "Required argument missing")]
    [InlineData("compress a b", "--method")]
    [InlineData("compress a b --bits-per-weight 2.5 --clip --calibration c", "--method")]
    [InlineData("compress a b --method rtn", "--calibration")]
    [InlineData("compress a b --method magic --calibration c", "rtn, gptq, awq, lordq, lordq-best, lattice, trellis, caldera, quip, svd, asvd, svd-llm, res-svd, lplr, flexround, lrq or omniquant, not 'magic'")]
    [InlineData("compress a b --method gptq --calibration c --bits 9", "from 1.5 to 8, not '9'")]
    [InlineData("compress a b --method gptq --calibration c --bits 3.5", "codes of this method have whole bits. Halves are for trellis")]
    [InlineData("compress a b --method trellis --calibration c --bits 2.25", "1.5 to 4 bits a weight in halves, not 2.25")]
    [InlineData("compress a b --method caldera --calibration c --bits 2.5", "halves are for a Q of trellis codes")]
    [InlineData("compress a b --method caldera --calibration c --state-bits 12", "The lattice has no states")]
    [InlineData("compress a b --method gptq --calibration c --bits-per-weight 2",
        "--bits-per-weight is not an option of gptq; it takes --scales, --bits")]
    [InlineData("compress a b --method gptq --calibration c --no-compensation", "--no-compensation is not an option of gptq")]
    [InlineData("compress a b --method rtn --calibration c --act-order", "--act-order is not an option of rtn")]
    [InlineData("compress a b --method gptq --calibration c --ranks uniform", "--ranks is not an option of gptq")]
    [InlineData("compress a b --method lordq --calibration c --ranks water-filling --budget codes", "Water-filling counts every stored byte")]
    [InlineData("allocate a --out b", "--calibration")]
    [InlineData("bench", "A model's folder is required, or --synthetic")]
    [InlineData("bench a --fast", "'--fast'")]
    [InlineData("bench a --synthetic", "leave out the folders")]
    [InlineData("bench a --form f16", "--form belongs to --synthetic")]
    [InlineData("bench a --prompt none --generate none", "nothing to measure")]
    [InlineData("bench a --prompt 0", "between commas, or none; not '0'")]
    [InlineData("bench a --generate 32,x", "not 'x'")]
    [InlineData("bench a --repetitions 0", "from 1 to 1000, not '0'")]
    [InlineData("bench a --segments 2", "--segments belongs to --text")]
    [InlineData("bench --synthetic --text b", "leave out --text")]
    [InlineData("bench --synthetic --form grid:5", "'grid:5' is no form")]
    [InlineData("bench --synthetic --form f16,grid:9:row", "2 to 8 bits, not 9")]
    [InlineData("bench --synthetic --head lordq", "'lordq' is no form")]
    [InlineData("bench --synthetic --write-only", "--write-only needs --keep")]
    [InlineData("compress a b --method lordq --calibration c --bits 3", "--bits is not an option of lordq")]
    [InlineData("compress a b --method lordq --calibration c --act-order", "--act-order is not an option of lordq")]
    [InlineData("compress a b --method lordq-best --calibration c --blocks 3", "--blocks is not an option of lordq-best; it takes --bits-per-weight")]
    [InlineData("compress a b --method gptq --calibration c --correction-rank 4", "--correction-rank needs --correction")]
    [InlineData("compress a b --method gptq --calibration c --correction best", "lqer, l2qer, qera-approx or eora, not 'best'")]
    [InlineData("compress a b --method svd --calibration c --power 2", "--power is not an option of svd; it takes --rank")]
    [InlineData("compress a b --method svd-llm --calibration c --factor-bits 9", "2 to 8 bits, or 16, not 9")]
    [InlineData("compress a b --method lplr --calibration c --no-sketch --power-iterations 2", "singular vectors need none")]
    [InlineData("compress a b --method lordq --calibration c --rest-first", "--rest-first needs --rest-bits")]
    [InlineData("compress a b --method lordq --calibration c --rest-bits 1", "2 to 8 bits, not 1")]
    [InlineData("compress a b --method lordq --calibration c --sweeps 2", "belong to LoRDQ's refit")]
    [InlineData("compress a b --method lordq --calibration c --lead 4.5:8", "not '4.5:8'")]
    [InlineData("compress a b --method lordq --calibration c --lead 4:9", "2 to 8 bits, or 16, not 9")]
    [InlineData("compress a b --method lordq --calibration c --levels round", "offset, zeroPoint, symmetric or normal, not 'round'")]
    [InlineData("compress a b --method lordq --calibration c --p-bits 9", "9")]
    [InlineData("compress a b --method lordq --calibration c --bits-per-weight 0", "--bits-per-weight")]
    [InlineData("compress a b --method gptq --calibration c --act-order", "static groups")]
    [InlineData("compress a b --method gptq --calibration c --propagate both", "compressed or original, not 'both'")]
    [InlineData("compress a b --method gptq --calibration c --samples 0", "from 1 up, not '0'")]
    [InlineData("compress a b --method gptq --calibration c --statistics d", "--propagate original")]
    [InlineData("compress a b --method gptq --recipe c", "leave out --method")]
    [InlineData("compress a b --recipe c --bits 3", "leave out --bits")]
    public void Wrong_usage_ends_with_2_and_says_what_is_wrong(string line, string message)
    {
        var outcome = TheProgram.Run(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(Application.WrongUsage, outcome.Code);
        Assert.Contains(message, outcome.Error);
        Assert.Empty(outcome.Out);
        Assert.DoesNotContain("   at ", outcome.Error);
    }

    [Theory]
    [InlineData("inspect")]
    [InlineData("compress")]
    [InlineData("evaluate")]
    [InlineData("compare")]
    [InlineData("generate")]
    [InlineData("bench")]
    [InlineData("tokenize")]
    [InlineData("detokenize")]
    [InlineData("demo")]
    public void Every_command_explains_itself_by_examples(string command)
    {
        var outcome = TheProgram.Run(command, "--help");
        Assert.Equal(Application.Success, outcome.Code);
        Assert.Contains($"Usage: quarank {command}", outcome.Out);
        Assert.Contains($"  quarank {command}", outcome.Out[outcome.Out.IndexOf("Examples", StringComparison.Ordinal)..]);
        Assert.Empty(outcome.Error);
        Assert.Contains(command, TheProgram.Run("--help").Out);
    }

    [Theory]
    [InlineData("inspect nowhere", "nowhere: no such file or folder")]
    [InlineData("inspect .", "no config.json")]
    [InlineData("generate nowhere --prompt x", "nowhere")]
    [InlineData("evaluate nowhere --text x", "nowhere")]
    [InlineData("bench nowhere", "nowhere")]
    [InlineData("compare nowhere --recipes rtn --bits-per-weight 3 --calibration x --text x", "nowhere")]
    [InlineData("tokenize nowhere --text x", "nowhere")]
    [InlineData("compress nowhere out --method rtn --calibration x", "nowhere")]
    [InlineData("compress nowhere out --recipe missing.json", "missing.json")]
    public void A_wrong_path_ends_with_1_and_one_line(string line, string message)
    {
        var outcome = TheProgram.Run(line.Split(' '));
        Assert.Equal(Application.WrongInput, outcome.Code);
        Assert.Contains(message, outcome.Error);
        Assert.Single(outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Empty(outcome.Out);
    }

    [Fact]
    public void The_examples_of_the_help_can_be_parsed()
    {
        foreach (string command in new[] { "inspect", "compress", "evaluate", "compare", "generate", "bench", "tokenize", "detokenize", "demo" })
            foreach (string line in TheProgram.Run(command, "--help").Out.Split('\n').Where(l =>
                l.StartsWith("  quarank ", StringComparison.Ordinal)))
            {
                // An unknown flag at the end is refused alone, after everything else was understood.
                var words = System.CommandLine.Parsing.CommandLineParser.SplitCommandLine(line["  quarank ".Length..]);
                var outcome = TheProgram.Run([.. words, "--no-such-flag"]);
                Assert.Equal(
                    ["quarank " + command + ": Unrecognized command or argument '--no-such-flag'.",
                    $"`quarank {command} --help` shows what it takes."],
                    outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
            }
    }
}
