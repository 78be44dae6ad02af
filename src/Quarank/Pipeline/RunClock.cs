using System.Diagnostics;

namespace Quarank.Pipeline;

/// <summary>Measures the phases of a run and tells how far it is.</summary>
internal sealed class RunClock(int blocks, IProgress<RunProgress>? progress)
{
    private readonly double[] _seconds = new double[Enum.GetValues<RunPhase>().Length];

    // What each phase is of a block's time: as measured on a small model, until the first block has told.
    private double[] _shares = [0, 0, 0.6, 0.1, 0.3, 0];
    private RunPhase _phase;
    private double _before;

    /// <summary>The block at work.</summary>
    public int Block { get; private set; }

    /// <summary>What was measured since the last call.</summary>
    public PhaseSeconds Take()
    {
        var s = (double[])_seconds.Clone();
        Array.Clear(_seconds);
        double[] ofBlock = [.. s.Select((seconds, phase) => OfBlock((RunPhase)phase) ? seconds : 0)];
        if (ofBlock.Sum() > 0) _shares = [.. ofBlock.Select(seconds => seconds / ofBlock.Sum())];
        return new(s[0], s[1], s[2], s[3], s[4], s[5]);
    }

    public void Start(int block) => (Block, _before) = (block, 0);

    /// <summary>Runs a part of a phase under the clock; parts of one phase may follow one another within a block.</summary>
    public T Time<T>(RunPhase phase, Func<T> work)
    {
        if (phase != _phase) _before += _shares[(int)_phase];
        _phase = phase;
        long start = Stopwatch.GetTimestamp();
        Report(0);
        try
        {
            return work();
        }
        finally
        {
            _seconds[(int)phase] += Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }

    public void Time(RunPhase phase, Action work) => Time(phase, () =>
    {
        work();
        return true;
    });

    /// <summary>Tells that this much (0 … 1) of the phase is done, and which layer, if one has been finished.</summary>
    public void Report(double fraction, LayerReport? finished = null)
    {
        double inBlock = OfBlock(_phase) ? Math.Min(1, _before + _shares[(int)_phase] * fraction) : 0;
        double total = _phase switch { RunPhase.Write => 1, RunPhase.Calibrate => 0, _ => (Block + inBlock) / blocks };
        progress?.Report(new(_phase, Block, blocks, finished?.Name, fraction, total, finished));
    }

    private static bool OfBlock(RunPhase phase) => phase is RunPhase.Observe or RunPhase.Compress or RunPhase.Forward;
}
