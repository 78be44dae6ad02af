using System.Diagnostics;
using Quarank.Compression;
using Quarank.Compression.Learning;

namespace Quarank.Pipeline;

/// <summary>
/// How many steps of learning a block may take, so that the run ends within a time: from what steps, and all else, have taken so far. The
/// clock starts with this attempt. What was chosen stands in the report; a recipe that says the same steps gives the same model.
/// </summary>
/// <param name="blocks">How many blocks this attempt is going to learn.</param>
internal sealed class StepBudget(TimeSpan time, int blocks)
{
    private const double Reserve = 0.05;     // for putting the model together, and for steps slower than those before them
    private const int Tried = 3;

    private readonly long _began = Stopwatch.GetTimestamp();
    private long _block = Stopwatch.GetTimestamp();
    private double _perStep, _beside;
    private int _done;

    /// <summary>A block begins.</summary>
    public void Start() => _block = Stopwatch.GetTimestamp();

    /// <summary>The steps of the block at work, in each round of its learning. The first block's speed is tried out on layers that are thrown away.</summary>
    /// <param name="rounds">How often the block is learned.</param>
    public int Choose(BlockProblem problem, Func<LearningTask> begin, int rounds = 1)
    {
        if (_done == 0)
        {
            double before = Seconds(_block);
            long start = Stopwatch.GetTimestamp();
            _perStep = BlockTrainer.Try(problem, begin(), Tried) / Tried;
            // Behind learning comes about what came before it: passes over all sequences.
            _beside = 2 * (before + Seconds(start) - Tried * _perStep);
        }
        // What this block took until now is among what it takes beside its steps.
        return Math.Max(1, Steps(time.TotalSeconds - Seconds(_began) + Seconds(_block), blocks - _done, _beside, _perStep) / rounds);
    }

    /// <summary>The block is stored.</summary>
    /// <param name="steps">How many it took.</param>
    /// <param name="seconds">Of these alone.</param>
    public void Finish(int steps, double seconds)
    {
        _done++;
        if (steps > 0) (_perStep, _beside) = (seconds / steps, Seconds(_block) - seconds);
    }

    /// <param name="left">Seconds.</param>
    /// <param name="blocks">Those to come, the one at work among them.</param>
    /// <param name="beside">Seconds of a block without its steps.</param>
    internal static int Steps(double left, int blocks, double beside, double perStep) =>
        (int)Math.Clamp(((1 - Reserve) * left / blocks - beside) / perStep, 1, 1_000_000);

    private static double Seconds(long since) => Stopwatch.GetElapsedTime(since).TotalSeconds;
}
