using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace Quarank.Cli.Console;

/// <summary>A command whose help ends in examples; options belong to the groups that they are added under.</summary>
internal abstract class TaughtCommand(string name, string description, params (string Wish, string Line)[] examples)
    : Command(name, description)
{
    private readonly List<(string Title, Option[] Options)> _groups = [];

    /// <summary>Pairs of what one wants and what one types.</summary>
    public IReadOnlyList<(string Wish, string Line)> Examples => examples;

    public IReadOnlyList<(string Title, Option[] Options)> Groups => _groups;

    /// <summary>A check of values that were understood one by one; it waits until they all are.</summary>
    protected void AddCheck(Action<CommandResult> check) => Validators.Add(given =>
    {
        bool complete = Arguments.All(a => a.Arity.MinimumNumberOfValues == 0 || given.GetResult(a) is { Tokens.Count: > 0 });
        if (complete && given.Children.OfType<OptionResult>().All(IsUnderstood)) check(given);
    });

    private static bool IsUnderstood(OptionResult option)
    {
        try
        {
            option.GetValueOrDefault<object>();
            return true;
        }
        catch (InvalidOperationException)
        {
            return false; // the parser says what is wrong with it
        }
    }

    protected void AddGroup(string title, params Option[] options)
    {
        foreach (var option in options) Add(option);
        _groups.Add((title, options));
    }
}

/// <summary>Help that shows first what to type, then every option in its group.</summary>
internal sealed class HelpView(Terminal terminal) : SynchronousCommandLineAction
{
    private const int Indent = 2;

    public override int Invoke(ParseResult parseResult)
    {
        Write(parseResult.CommandResult.Command, terminal.Out);
        return 0;
    }

    public void Write(Command command, TextWriter to)
    {
        to.WriteLine(command.Description);
        to.WriteLine();
        if (command is not TaughtCommand taught)
        {
            to.WriteLine("Usage: quarank COMMAND ...");
            Rows(to, "Commands", [.. command.Subcommands.Select(c => (c.Name, c.Description!.Split('\n')[0]))]);
            to.WriteLine();
            to.WriteLine("`quarank COMMAND --help` shows examples and all options of a command.");
            return;
        }
        string arguments = string
            .Concat(taught.Arguments.Select(a => a.Arity.MinimumNumberOfValues == 0 ? $" [{a.Name}]" : $" {a.Name}"));
        string required = string.Concat(taught.Options.Where(o => o.Required).Select(o => $" {Label(o)}"));
        to.WriteLine(
            $"Usage: quarank {taught.Name}{arguments}{required}{(taught.Options.Any(o => !o.Required) ? " [options]" : "")}");
        to.WriteLine();
        to.WriteLine("Examples");
        foreach (var (wish, line) in taught.Examples)
        {
            to.WriteLine($"  # {wish}");
            to.WriteLine($"  {line}");
        }
        if (taught.Arguments.Count > 0) Rows(to, "Arguments", [.. taught.Arguments.Select(a => (a.Name, a.Description!))]);
        foreach (var (title, options) in taught.Groups) Rows(to, title, [.. options.Select(o => (Label(o), o.Description!))]);
    }

    private void Rows(TextWriter to, string title, IReadOnlyList<(string Name, string Text)> rows)
    {
        int left = Math.Min(rows.Max(r => r.Name.Length), 28), width = Math.Clamp(terminal.Width(), 60, 120) - Indent - left - 2;
        to.WriteLine();
        to.WriteLine(title);
        foreach (var (name, text) in rows)
        {
            string label = name.PadRight(left);
            if (name.Length > left)
            {
                to.WriteLine($"  {name}");
                label = new string(' ', left);
            }
            foreach (string line in Wrap(text, width))
            {
                to.WriteLine($"  {label}  {line}");
                label = new string(' ', left);
            }
        }
    }

    private static string Label(Option option) => option.HelpName is { } value ? $"{option.Name} {value}" : option.Name;

    public static IEnumerable<string> Wrap(string text, int width)
    {
        var line = "";
        foreach (string word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line;
                line = "";
            }
            line = line.Length == 0 ? word : $"{line} {word}";
        }
        yield return line;
    }
}
