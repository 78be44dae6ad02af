using Spectre.Console;

namespace Quarank.Cli.Console;

/// <summary>A column of a table; numbers stand to the right.</summary>
internal readonly record struct Column(string Title, bool Number = false);

/// <summary>Results as tables: framed on a screen, Markdown in a pipe or a file.</summary>
internal static class Tables
{
    public static void Write(Terminal terminal, IReadOnlyList<Column> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        var table = new Table { Border = terminal.OutIsScreen ? TableBorder.Rounded : TableBorder.Markdown };
        foreach (var column in columns)
        {
            var cell = new TableColumn(new Text(column.Title)) { NoWrap = true };
            table.AddColumn(column.Number ? cell.RightAligned() : cell);
        }
        foreach (var row in rows) table.AddRow(row.Select(text => new Text(text)));
        var text = new StringWriter();
        Console(terminal, text).Write(table);
        foreach (string line in text.ToString().Split('\n'))
            if (!string.IsNullOrWhiteSpace(line)) terminal.Out.WriteLine(line.TrimEnd());
    }

    /// <summary>Names and values in two columns, without a frame.</summary>
    public static void WritePairs(Terminal terminal, IReadOnlyList<(string Name, string Value)> pairs)
    {
        int width = pairs.Max(p => p.Name.Length);
        foreach (var (name, value) in pairs) terminal.Out.WriteLine($"{name.PadRight(width)}  {value}");
    }

    private static IAnsiConsole Console(Terminal terminal, TextWriter to)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = terminal.OutIsScreen ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(to),
        });
        console.Profile.Width = terminal.OutIsScreen ? terminal.Width() : 1000; // a file has no right margin
        console.Profile.Capabilities.Unicode = terminal.OutIsScreen;
        return console;
    }
}
