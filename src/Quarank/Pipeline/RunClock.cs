using System.Diagnostics;

namespace Quarank.Pipeline;

/// <summary>Measures the phases of a run and tells how far it is.</summary>
internal sealed class RunClock(int blocks, IProgress<RunProgress>? progress)
{
    private readonly double[] _seconds = new double[Enum.GetValues<RunPhase>().Length];

    // What each phase is of a block's time: as measured on a small model, until the first block has told.
    private double[] _shares = [0, 0, 0.6, 0.1, 0.3, 0, 0, 0, 0, 0];
    private RunPhase _phase;
    private double _before, _error, _firstError;

    /// <summary>The block at work.</summary>
    public int Block { get; private set; }

    /// <summary>What was measured since the last call.</summary>
    public PhaseSeconds Take()
    {
        var s = (double[])_seconds.Clone();
        Array.Clear(_seconds);
        double[] ofBlock = [.. s.Select((seconds, phase) => OfBlock((RunPhase)phase) ? seconds : 0)];
        ofBlock[(int)RunPhase.Observe] += s[(int)RunPhase.Gram];
        ofBlock[(int)RunPhase.Compress] += s[(int)RunPhase.Loss];
        if (ofBlock.Sum() > 0) _shares = [.. ofBlock.Select(seconds => seconds / ofBlock.Sum())];
        return new(s[0], s[1], s[2], s[3], s[4], s[5])
        {
            Read = s[(int)RunPhase.Read],
            Gram = s[(int)RunPhase.Gram],
            Loss = s[(int)RunPhase.Loss],
            Store = s[(int)RunPhase.Store],
        };
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

    /// <summary>Counts the seconds of some work as those of a phase, while the run stands where it did.</summary>
    /// <param name="within">The phase whose seconds these would be otherwise, if it is under the clock.</param>
    public void Measure(RunPhase phase, Action work, RunPhase? within = null)
    {
        long start = Stopwatch.GetTimestamp();
        work();
        Move(within, phase, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    /// <summary>Seconds of one phase count as another's.</summary>
    public void Move(RunPhase? from, RunPhase to, double seconds)
    {
        _seconds[(int)to] += seconds;
        if (from is { } phase) _seconds[(int)phase] -= seconds;
    }

    /// <summary>Tells that this much (0 … 1) of the phase is done, and which layer, if one has been finished.</summary>
    public void Report(double fraction, LayerReport? finished = null) => Report(fraction, finished, null);

    /// <summary>Tells of a step of learning.</summary>
    /// <param name="error">Of the step's batch.</param>
    public void Report(int step, int steps, double error)
    {
        const double weight = 0.1;     // batches differ more than steps
        (_firstError, _error) = step == 1 ? (error, error) : (_firstError, _error + weight * (error - _error));
        Report(step / (double)steps, null, new(step, steps, _error, _firstError));
    }

    private void Report(double fraction, LayerReport? finished, LearningProgress? learning)
    {
        double inBlock = OfBlock(_phase) ? Math.Min(1, _before + _shares[(int)_phase] * fraction) : 0;
        double total = _phase switch { RunPhase.Write => 1, RunPhase.Calibrate => 0, _ => (Block + inBlock) / blocks };
        progress?.Report(new(_phase, Block, blocks, finished?.Name, fraction, total, finished) { Learning = learning });
    }

    private static bool OfBlock(RunPhase phase) => phase is RunPhase.Observe or RunPhase.Compress or RunPhase.Forward;
}
