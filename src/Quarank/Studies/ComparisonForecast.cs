namespace Quarank.Studies;

/// <summary>What a comparison would do, and about how long it would take.</summary>
/// <param name="Rows">Of the table, in its order.</param>
/// <param name="SecondsBefore">For what all rows need: the dense model on texts and tasks, the original's Gram matrices.</param>
public sealed record ComparisonForecast(IReadOnlyList<ForecastRow> Rows, double SecondsBefore)
{
    /// <summary>Of everything that is left and asked for.</summary>
    public double Seconds => SecondsBefore + Rows.Sum(r => r.Seconds);
}

/// <summary>A row of the table to be.</summary>
/// <param name="Method">In words, with the knobs that the size decides.</param>
/// <param name="Left">What is left to do, in words; or why there is nothing.</param>
/// <param name="Seconds">About; 0 where nothing is left or asked for.</param>
/// <param name="Basis">What the seconds rest on: rows that were measured, or operations.</param>
public sealed record ForecastRow(string Name, string Method, double BitsPerWeight, string Left, double Seconds, string Basis);

/// <summary>Seconds from what was measured of other rows, or where nothing was, from operations.</summary>
/// <param name="weights">Numbers in the linear layers.</param>
/// <param name="table">Numbers in the head's table.</param>
internal sealed class ForecastSpeed(long weights, long table, ComparisonPieces pieces, IReadOnlyList<(string Name, string Key)> rows)
{
    // What two cores do in a second in single precision; and a method's time for a weight, between that of rounding and that of a trellis.
    private const double Operations = 50e9, SecondsPerWeight = 6e-7, CharactersPerToken = 4;

    /// <summary>Making a model by a recipe.</summary>
    public (double Seconds, bool Known) Making(string name)
    {
        double[] own = Known(rows.Where(r => r.Name == name).Select(r => pieces.Made(r.Key)?.SecondsRun));
        return own.Length > 0 ? (own.Average(), true) : (SecondsPerWeight * weights, false);
    }

    /// <summary>A text, or by the dense model alone.</summary>
    public (double Seconds, bool Known) Reading(int text, MeasuredText of, bool dense = false)
    {
        double[] known = dense ? [] : Known(rows.Select(r => pieces.Text(r.Key, text)?.Seconds));
        return known.Length > 0 ? (known.Average(), true) : (2.0 * of.Ids.Length * (weights + (dense ? 1 : 2) * table) / Operations, false);
    }

    public (double Seconds, bool Known) Asking(int task, Evaluation.Tasks.PreparedTask of)
    {
        double[] known = Known(rows.Select(r => pieces.Answers(r.Key, task)?.Seconds));
        // What the answers to a question have in common is read once.
        double characters = of.Questions.Sum(q => q.Question.Pairs.Select(p => p.Context).Distinct().Sum(c => (double)c.Length) + q.Question.Pairs.Sum(p => (double)p.Continuation.Length));
        return known.Length > 0 ? (known.Average(), true) : (2.0 * characters / CharactersPerToken * (weights + table) / Operations, false);
    }

    /// <summary>Gram matrices from so many tokens: a forward pass, and half as much again for the sums.</summary>
    public double Gathering(long tokens) => 3.0 * tokens * weights / Operations;

    private static double[] Known(IEnumerable<double?> seconds) => [.. seconds.OfType<double>()];
}
