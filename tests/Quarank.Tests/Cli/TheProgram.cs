using System.Text.Json;
using Quarank.Cli;
using Quarank.Cli.Console;
using Quarank.Tests.Support;

namespace Quarank.Tests.Cli;

/// <summary>What a command left behind.</summary>
internal sealed record Outcome(int Code, string Out, string Error)
{
    public JsonElement Json => JsonDocument.Parse(Out).RootElement;

    public override string ToString() => $"exit code {Code}\n{Out}\n{Error}";
}

/// <summary>The program, run in this process as a script would run it: no screen.</summary>
internal static class TheProgram
{
    /// <summary>The sample model.</summary>
    public static string Tales { get; } = Path.Combine(Repository.Root, "samples", "tales");

    public static string Tale { get; } = Path.Combine(Repository.Root, "samples", "evaluation.txt");

    public static Outcome Run(params string[] arguments) => Run(default, arguments);

    public static Outcome Run(CancellationToken stop, params string[] arguments) => Run("", arguments, stop);

    /// <summary>With lines on the standard input.</summary>
    public static Outcome RunWith(string input, params string[] arguments) => Run(input, arguments, CancellationToken.None);

    private static Outcome Run(string input, string[] arguments, CancellationToken stop)
    {
        var (output, error) = (new StringWriter { NewLine = "\n" }, new StringWriter { NewLine = "\n" });
        int code = Application.Run(arguments, new Terminal(output, error) { In = new StringReader(input), Stop = stop });
        return new(code, output.ToString(), error.ToString());
    }
}
