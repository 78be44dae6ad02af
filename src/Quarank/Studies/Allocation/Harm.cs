using System.Diagnostics;
using System.Text.Json;
using Quarank.Pipeline;

namespace Quarank.Studies.Allocation;

/// <summary>
/// What each choice does in each layer: measured divergences, kept on the disk by content, and those scaled from them.
/// </summary>
internal sealed class Harm
{
    private static readonly TimeSpan KeepEvery = TimeSpan.FromSeconds(5);

    private readonly Candidates _candidates;
    private readonly VariantProbe _probe;
    private readonly string _file;
    private readonly Dictionary<string, double> _measured;
    private readonly int _layers;

    public Harm(string folder, string probeKey, Candidates candidates, VariantProbe probe, int layers)
    {
        (_candidates, _probe, _layers) = (candidates, probe, layers);
        _file = Path.Combine(folder, $"divergences-{probeKey}.json");
        _measured = Read(_file);
    }

    /// <summary>Measures the divergence of each pair (layer, choice) that is not known yet.</summary>
    public void Measure(IReadOnlyList<(int Layer, int Choice)> pairs, Action<double> progress, CancellationToken token)
    {
        var missing = pairs.Where(p => !_measured.ContainsKey(Key(p))).ToList();
        long kept = Stopwatch.GetTimestamp();
        int done = 0;
        try
        {
            _probe.Measure([.. missing.Select(p => new Variant(new Dictionary<int, int> { [p.Layer] = p.Choice }))], (i, found) =>
            {
                _measured[Key(missing[i])] = found.KlMean;
                progress(++done / (double)missing.Count);
                if (Stopwatch.GetElapsedTime(kept) < KeepEvery) return;
                Keep();
                kept = Stopwatch.GetTimestamp();
            }, token);
        }
        finally
        {
            if (done > 0) Keep();
        }
    }

    public double Measured(int layer, int choice) => _measured[Key((layer, choice))];

    /// <summary>A measured divergence of the same layer, scaled by the errors: KL grows with the square of a small change.</summary>
    public double Scaled(int layer, int choice, int measured)
    {
        double error = _candidates[layer, measured].Error;
        return error > 0 ? Measured(layer, measured) * _candidates[layer, choice].Error / error : 0;
    }

    /// <summary>
    /// Of each choice the one of its kind that stands for it: by size the middle one (the lower of two). A kind is a method
    /// together with the form that it stores layers in.
    /// </summary>
    public int[] Representatives(IReadOnlyList<Compression.Method> methods)
    {
        var of = new int[methods.Count];
        foreach (var kind in Enumerable.Range(0, methods.Count)
            .GroupBy(c => (methods[c].GetType(), _candidates[0, c].Form.GetType())))
        {
            int[] bySize = [.. kind.OrderBy(c => Enumerable.Range(0, _layers).Sum(l => _candidates[l, c].Bits)).ThenBy(c => c)];
            foreach (int c in kind) of[c] = bySize[(bySize.Length - 1) / 2];
        }
        return of;
    }

    private string Key((int Layer, int Choice) pair) =>
        $"{_candidates[pair.Layer, pair.Choice].Name} {_candidates.KeyOf(pair.Choice)}";

    private void Keep() => AtomicFile.WriteText(_file, JsonSerializer.Serialize(_measured, RunJson.Options));

    private static Dictionary<string, double> Read(string file)
    {
        try
        {
            if (File.Exists(file))
                return JsonSerializer.Deserialize<Dictionary<string, double>>(File.ReadAllText(file), RunJson.Options)!;
        }
        catch (JsonException)
        {
            // damaged: measured again
        }
        return [];
    }
}
