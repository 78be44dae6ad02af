using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Text.Json;
using Quarank.Cli.Commands;
using Quarank.Cli.Console;

namespace Quarank.Cli;

/// <summary>The program: its commands, and what an error becomes (a line or a stack trace, and an exit code).</summary>
internal static class Application
{
    public const int Success = 0, WrongInput = 1, WrongUsage = 2, OurFault = 70, Stopped = 130;

    public static int Run(string[] arguments, Terminal terminal)
    {
        var root = Root(terminal);
        var parsed = root
            .Parse(arguments, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        if (arguments.Length == 0)
        {
            new HelpView(terminal).Write(root, terminal.Error);
            return WrongUsage;
        }
        if (parsed.Action is ParseErrorAction || parsed.Action is null) return Refuse(parsed, terminal);
        try
        {
            int code = parsed.Invoke(new InvocationConfiguration
            {
                Output = terminal.Out,
                Error = terminal.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            });
            terminal.Out.Flush();
            return code;
        }
        catch (Exception e)
        {
            return Explain(e, terminal, parsed.CommandResult.Command.Name);
        }
    }

    /// <summary>The line that ends a command which was stopped.</summary>
    public static string StoppedLine(string command) =>
        command is "compress" or "compare" or "study" ? "stopped; run the same command to go on" : "stopped";

    private static RootCommand Root(Terminal terminal)
    {
        var root = new RootCommand(
            "Quarank makes language models smaller after training (low rank + quantization) and runs them on a processor.")
        {
            new InspectCommand(terminal),
            new TransformCommand(terminal),
            new CompressCommand(terminal),
            new AllocateCommand(terminal),
            new EvaluateCommand(terminal),
            new CompareCommand(terminal),
            new StudyCommand(terminal),
            new GenerateCommand(terminal),
            new BenchCommand(terminal),
            new TokenizeCommand(terminal),
            new DetokenizeCommand(terminal),
            new DemoCommand(terminal),
        };
        foreach (var help in root.Options.OfType<HelpOption>()) help.Action = new HelpView(terminal);
        return root;
    }

    private static int Refuse(ParseResult parsed, Terminal terminal)
    {
        string name = parsed.CommandResult.Command is RootCommand ? "" : $" {parsed.CommandResult.Command.Name}";
        foreach (string message in parsed.Errors.Select(e => e.Message).DefaultIfEmpty("A command is missing.").Distinct())
            terminal.Error.WriteLine($"quarank{name}: {message}");
        terminal.Error.WriteLine($"`quarank{name} --help` shows what it takes.");
        return WrongUsage;
    }

    private static int Explain(Exception e, Terminal terminal, string command)
    {
        while (e is AggregateException { InnerExceptions: [var only] }) e = only;
        if (e is OperationCanceledException && terminal.Stop.IsCancellationRequested)
        {
            terminal.Error.WriteLine(StoppedLine(command));
            return Stopped;
        }
        if (IsFromOutside(e))
        {
            terminal.Error.WriteLine($"quarank: {e.Message}");
            return WrongInput;
        }
        terminal.Error.WriteLine(e);
        terminal.Error
            .WriteLine("quarank: this is a fault of the program; please report it with the lines above and the command.");
        return OurFault;
    }

    /// <summary>What comes from the user's files, folders or machine, rather than from our code.</summary>
    private static bool IsFromOutside(Exception e) =>
        e is InvalidDataException or NotSupportedException or JsonException or IOException or UnauthorizedAccessException
            or DllNotFoundException;
}
