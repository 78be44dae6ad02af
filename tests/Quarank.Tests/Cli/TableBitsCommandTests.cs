using Quarank.Cli;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Cli;

/// <summary>--head-bits and --embedding-bits.</summary>
public class TableBitsCommandTests
{
    [Fact]
    public void A_table_of_8_bits_is_told_of_by_all_commands()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["text.txt"], string.Concat(Enumerable.Repeat("The king told a tale to the fox in the wood. ", 40)));
        string[] compress = ["compress", TheProgram.Tales, folder["out"], "--method", "rtn", "--bits", "4", "--calibration", folder["text.txt"],
            "--samples", "1", "--length", "32"];

        var refused = TheProgram.Run([.. compress, "--head-bits", "8", "--embedding-bits", "4"]);
        Assert.Equal(Application.WrongInput, refused.Code);
        Assert.Contains("one table", refused.Error);

        var planned = TheProgram.Run([.. compress, "--head-bits", "8", "--dry-run"]);
        Assert.Contains("with embedding and head", planned.Out);
        Assert.Contains("\"headBits\": 8", planned.Out);

        var done = TheProgram.Run([.. compress, "--head-bits", "8"]);
        Assert.True(done.Code == Application.Success, done.ToString());
        Assert.Contains("model.embed_tokens: 8.", done.Out);

        var before = TheProgram.Run("inspect", TheProgram.Tales, "--json").Json;
        var after = TheProgram.Run("inspect", folder["out"], "--json").Json;
        Assert.Equal(before.GetProperty("parameters").GetInt64(), after.GetProperty("parameters").GetInt64());
        var table = Assert.Single(after.GetProperty("tables").EnumerateArray());
        Assert.Equal("grid", table.GetProperty("form").GetProperty("form").GetString());
        Assert.InRange(table.GetProperty("bitsPerWeight").GetDouble(), 8, 8.5);
        Assert.InRange(after.GetProperty("bitsPerWeightWithTables").GetDouble(), after.GetProperty("bitsPerWeight").GetDouble(), 8.5);
        Assert.Contains("embed_tokens", TheProgram.Run("inspect", folder["out"]).Out);

        Assert.StartsWith("The king", TheProgram.Run("generate", folder["out"], "--prompt", "The king", "--tokens", "3").Out);
    }
}
