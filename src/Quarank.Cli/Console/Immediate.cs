namespace Quarank.Cli.Console;

/// <summary>Progress told at once, on the thread that reports; the runtime's own kind would queue it.</summary>
internal sealed class Immediate<T>(Action<T> show) : IProgress<T>
{
    public void Report(T value) => show(value);
}
