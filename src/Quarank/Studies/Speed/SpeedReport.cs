namespace Quarank.Studies.Speed;

/// <summary>The machine, and its limits as they were when the measurement began.</summary>
/// <param name="ReadOnOneThread">Bytes per second.</param>
/// <param name="Read">Bytes per second, on all threads in use.</param>
/// <param name="Sgemm">Operations per second of the first model's products on all threads in use; 0 when no prompt is measured.</param>
public sealed record SpeedMachine(string Processor, int Processors, int Threads, string VectorUnits, double ReadOnOneThread, double Read, double Sgemm);

/// <summary>A model and all that was measured of it.</summary>
/// <param name="PeakBytes">The largest resident size of the process while this model alone was loaded, read 16 tokens and generated 16.</param>
/// <param name="Token">Where a token's time goes; null when it was not asked for.</param>
public sealed record ModelSpeed(SpeedModel Model, long PeakBytes, IReadOnlyList<SpeedFigure> Figures, TokenTimes? Token)
{
    public SpeedFigure Figure(SpeedTest test) => Figures.Single(f => f.Test == test);
}

/// <summary>A whole measurement.</summary>
public sealed record SpeedReport(SpeedMachine Machine, IReadOnlyList<ModelSpeed> Models);
