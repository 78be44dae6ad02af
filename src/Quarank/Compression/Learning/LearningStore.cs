using System.Diagnostics;

namespace Quarank.Compression.Learning;

/// <summary>Keeps the numbers of a block that is being learned, so that a run killed in the middle goes on there, with the same result.</summary>
internal abstract class LearningStore
{
    private readonly TimeSpan _every;
    private long _saved = Stopwatch.GetTimestamp();

    /// <param name="every">How old what is kept may grow.</param>
    protected LearningStore(TimeSpan every) => _every = every;

    /// <summary>Fills the numbers with those that were kept.</summary>
    /// <returns>Behind which step that was; 0 where nothing of this problem was kept, and nothing is changed.</returns>
    public int Load(IReadOnlyList<LearnedNumbers> numbers, int steps) => Read([.. numbers.SelectMany(n => n.State)], steps);

    /// <summary>Keeps them, if it is time; always behind the last step.</summary>
    public void Save(IReadOnlyList<LearnedNumbers> numbers, int step, int steps)
    {
        if (step < steps && Stopwatch.GetElapsedTime(_saved) < _every) return;
        Write([.. numbers.SelectMany(n => n.State)], step, steps);
        _saved = Stopwatch.GetTimestamp();
    }

    protected abstract int Read(IReadOnlyList<float[]> state, int steps);

    protected abstract void Write(IReadOnlyList<float[]> state, int step, int steps);
}
