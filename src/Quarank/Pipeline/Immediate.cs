namespace Quarank.Pipeline;

/// <summary>Progress told at once, on the thread that reports; the runtime's own kind would queue it.</summary>
public sealed class Immediate<T>(Action<T> tell) : IProgress<T>
{
    public void Report(T value) => tell(value);
}
