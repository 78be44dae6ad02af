using Quarank.Pipeline;
using System.Diagnostics;

namespace Quarank.Studies;

/// <summary>The parts of a comparison's work.</summary>
internal enum ComparisonStep
{
    /// <summary>The dense model runs on the evaluation text.</summary>
    Dense,

    /// <summary>Gram matrices of the original are gathered.</summary>
    Gather,

    /// <summary>A recipe is run and measured.</summary>
    Row,

    /// <summary>Singular values of the original's layers are worked out.</summary>
    Spectra,
}

/// <summary>How much of a comparison is done, by what its parts took so far.</summary>
internal sealed class ComparisonClock(IProgress<ComparisonProgress>? progress)
{
    // Seconds that a step is taken for until one has been measured: only their ratios matter.
    private readonly double[] _seconds = [1, 3, 3, 3];
    private readonly int[] _left = new int[4];
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private double _done, _shown;

    /// <summary>What there is to do.</summary>
    public void Plan(int rows, bool gathering, bool spectra, bool dense = true)
    {
        _left[(int)ComparisonStep.Dense] = dense ? 1 : 0;
        _left[(int)ComparisonStep.Gather] = gathering ? 1 : 0;
        _left[(int)ComparisonStep.Row] = rows;
        _left[(int)ComparisonStep.Spectra] = spectra ? 1 : 0;
    }

    /// <summary>Does a step under the clock; it tells how far it is, 0 … 1, and at what.</summary>
    public T Do<T>(ComparisonStep step, string doing, Func<IProgress<(double, string)>, T> work)
    {
        double before = _done, start = _watch.Elapsed.TotalSeconds;
        Tell(0, doing);
        var result = work(new Immediate<(double Fraction, string Doing)>(p => Tell(p.Fraction, p.Doing)));
        _seconds[(int)step] = Math.Max(1e-3, _watch.Elapsed.TotalSeconds - start);
        _done = before + _seconds[(int)step];
        _left[(int)step] = Math.Max(0, _left[(int)step] - 1);
        return result;

        void Tell(double fraction, string at)
        {
            double now = before + fraction * _seconds[(int)step], all = before + Left();
            // Estimates mend themselves as steps are measured; what is shown never goes back.
            _shown = Math.Max(_shown, all > 0 ? Math.Min(1, now / all) : 0);
            progress?.Report(new(_shown, at));
        }
    }

    public void Tell(ComparisonRow row) => progress?.Report(new(_shown, row.Name, row));

    private double Left() => _left.Select((count, i) => count * _seconds[i]).Sum();
}
