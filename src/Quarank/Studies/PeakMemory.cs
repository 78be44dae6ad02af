using System.Globalization;

namespace Quarank.Studies;

/// <summary>The largest resident size of this process between two moments.</summary>
internal sealed class PeakMemory : IDisposable
{
    private const string Status = "/proc/self/status", References = "/proc/self/clear_refs";
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(20);

    private readonly Timer? _sampler;
    private long _largest;

    private PeakMemory(bool sampled)
    {
        if (sampled) _sampler = new Timer(_ => Sample(), null, TimeSpan.Zero, Every);
    }

    /// <summary>How it is measured here.</summary>
    public static string Measure { get; } = TryReset()
        ? "the kernel's high-water mark of the process (VmHWM), reset before each run; the runtime's own base is in it"
        : "the resident size of the process, sampled every 20 ms; the runtime's own base is in it";

    /// <summary>Lets go of what earlier work left in memory, and begins to watch.</summary>
    public static PeakMemory Begin()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return new(sampled: !TryReset());
    }

    /// <summary>The largest so far.</summary>
    public long Bytes
    {
        get
        {
            if (_sampler is null && HighWater() is { } mark) return mark;
            Sample();
            return Interlocked.Read(ref _largest);
        }
    }

    public void Dispose() => _sampler?.Dispose();

    private void Sample()
    {
        long now = Environment.WorkingSet;
        for (long seen = Interlocked.Read(ref _largest); now > seen; seen = Interlocked.Read(ref _largest))
            if (Interlocked.CompareExchange(ref _largest, now, seen) == seen) return;
    }

    /// <summary>Writing 5 sets the mark back to what is resident now (proc_pid_clear_refs(5)); some containers forbid it.</summary>
    private static bool TryReset()
    {
        try
        {
            if (!OperatingSystem.IsLinux()) return false;
            File.WriteAllText(References, "5");
            return HighWater() is not null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static long? HighWater()
    {
        const string key = "VmHWM:";
        string? line = File.ReadLines(Status).FirstOrDefault(l => l.StartsWith(key, StringComparison.Ordinal));
        return line is null ? null : 1024 * long.Parse(line[key.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
    }
}
