using Quarank.Checkpoints;
using Quarank.Pipeline;

namespace Quarank.Studies;

public sealed partial class ComparisonRun
{
    /// <summary>What <see cref="Execute"/> would do and about how long it would take; nothing is run or written.</summary>
    /// <inheritdoc cref="Execute" path="/exception"/>
    public static ComparisonForecast Forecast(ComparisonRequest request, CancellationToken token = default)
    {
        using var checkpoint = Checkpoint.Open(request.ModelFolder);
        return new ComparisonRun(request, checkpoint, null, token).Forecast();
    }

    private ComparisonForecast Forecast()
    {
        var rows = Planned();
        var pieces = new ComparisonPieces(_request, _checkpoint, _calibration, _texts, new(_work, _request.Fresh));
        var keys = rows.ToDictionary(r => r, r => pieces.KeyOf(r.Recipe));
        var spec = Models.ModelSpec.Of(_checkpoint);
        var speed = new ForecastSpeed(_sizes.Weights, (long)spec.VocabularySize * spec.TableWidth, pieces, [.. rows.Where(r => r.State == RowState.Waiting).Select(r => (r.Name, keys[r]))]);
        var (found, first) = (new List<ForecastRow>(), new Dictionary<string, string>());
        foreach (var row in rows)
        {
            found.Add(Forecast(row, keys[row], first.GetValueOrDefault(keys[row]), pieces, speed));
            if (IsAskedFor(row)) first.TryAdd(keys[row], FormattableString.Invariant($"{row.Name} at {row.TargetBitsPerWeight:0.###} bits"));
        }
        return new(found, found.Exists(r => r.Seconds > 0) ? Before(rows, speed) : 0);
    }

    /// <param name="same">An earlier row with the same model.</param>
    private ForecastRow Forecast(ComparisonRow row, string key, string? same, ComparisonPieces pieces, ForecastSpeed speed)
    {
        ForecastRow Nothing(string why) => new(row.Name, row.Method, row.TargetBitsPerWeight, why, 0, "");
        if (row.State != RowState.Waiting) return Nothing(row.Remark);
        var (left, parts) = (new List<string>(), new List<(double Seconds, bool Known)>());
        void Add(string what, (double, bool) seconds)
        {
            left.Add(what);
            parts.Add(seconds);
        }
        // Deleted once it is measured, a model is made again for a text that came later.
        bool made = pieces.Made(key) is not null && Directory.Exists(Path.Combine(_work, $"model-{key}"));
        for (int i = 0; i < _texts.Count; i++)
            if (pieces.Text(key, i) is null) Add(_texts[i].Name, speed.Reading(i, _texts[i]));
        for (int i = 0; i < _request.Tasks.Count; i++)
            if (pieces.Answers(key, i) is null) Add(_request.Tasks[i].Definition.Name, speed.Asking(i, _request.Tasks[i]));
        if (pieces.Speed(key) is null) Add("speed", (0, true));
        if (left.Count == 0) return Nothing("measured");
        if (!IsAskedFor(row)) return Nothing("not asked for");
        if (same is not null) return Nothing($"as {same}");
        if (!made)
        {
            left.Insert(0, "compress");
            parts.Add(speed.Making(row.Name));
        }
        return new(row.Name, row.Method, row.TargetBitsPerWeight, string.Join(", ", left), parts.Sum(p => p.Seconds),
            parts.TrueForAll(p => p.Known) ? "measured rows" : parts.Exists(p => p.Known) ? "both" : "operations");
    }

    private double Before(List<ComparisonRow> rows, ForecastSpeed speed)
    {
        string model = RunFingerprint.OfModel(_checkpoint);
        double seconds = 0;
        for (int i = 0; i < _texts.Count; i++)
            if (!File.Exists(DenseStates.FileOf(_work, DenseStates.Key(model, _texts[i].Hash, _texts[i].Length)))) seconds += speed.Reading(i, _texts[i], dense: true).Seconds;
        bool gathers = rows.Exists(r => IsAskedFor(r) && r.Propagate == Propagation.Original) && !Directory.Exists(_statistics);
        return seconds + (gathers ? speed.Gathering(_calibration.Tokens) : 0);
    }
}
