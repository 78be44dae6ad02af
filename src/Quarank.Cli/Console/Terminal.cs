namespace Quarank.Cli.Console;

/// <summary>Where results go (standard output), where progress and messages go (standard error), and whether the user has had
/// enough.</summary>
internal sealed class Terminal(TextWriter output, TextWriter error)
{
    public TextWriter Out { get; } = output;
    public TextWriter Error { get; } = error;

    /// <summary>Where questions come from.</summary>
    public TextReader In { get; init; } = TextReader.Null;

    /// <summary>Somebody types the questions: no pipe and no file.</summary>
    public bool InIsScreen { get; init; }

    /// <summary>Somebody looks at the results: no pipe and no file.</summary>
    public bool OutIsScreen { get; init; }

    /// <summary>Somebody looks at the messages, so that a line may be drawn over.</summary>
    public bool ErrorIsScreen { get; init; }

    /// <summary>Characters in a line of the screen.</summary>
    public Func<int> Width { get; init; } = () => 100;

    /// <summary>Ctrl-C.</summary>
    public CancellationToken Stop { get; init; }

    /// <summary>This process's own.</summary>
    public static Terminal OfProcess(CancellationToken stop)
    {
        bool canDraw = Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb") || OperatingSystem.IsWindows();
        if (OperatingSystem.IsWindows()) System.Console.OutputEncoding = System.Text.Encoding.UTF8;
        return new(System.Console.Out, System.Console.Error)
        {
            In = System.Console.In,
            InIsScreen = !System.Console.IsInputRedirected,
            OutIsScreen = canDraw && !System.Console.IsOutputRedirected,
            ErrorIsScreen = canDraw && !System.Console.IsErrorRedirected,
            Width = ScreenWidth,
            Stop = stop,
        };
    }

    private static int ScreenWidth()
    {
        try
        {
            return System.Console.WindowWidth is > 20 and var width ? width : 100;
        }
        catch (IOException)
        {
            return 100; // no screen at all
        }
    }
}
