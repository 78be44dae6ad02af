using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Pipeline;

/// <summary>
/// The Gram matrices of an original model on one calibration set, kept so that many methods can be tried on them. Per block a file for
/// each token weighting, with, per site, <c>name.gram</c> (the lower triangle, row by row, float64), the plain one also with
/// <c>name.tokens</c>, <c>name.sink</c>, <c>name.sinkTokens</c>, <c>name.sinkShare</c> and <c>name.magnitudes</c>, an expert's also with <c>name.routed</c>. What another weighting lacks is added.
/// </summary>
internal sealed class StatisticsFolder
{
    private readonly string _path;
    private readonly TokenWeighting _weighting;

    private sealed record Manifest(int Version, string Model, string Calibration);

    private StatisticsFolder(string path, TokenWeighting weighting) => (_path, _weighting) = (path, weighting);

    /// <summary>Opens the folder, or makes one.</summary>
    /// <param name="weighting">The matrices wanted; plain ones by default.</param>
    /// <exception cref="InvalidDataException">It holds the statistics of another model or of other tokens, or something
    /// else.</exception>
    public static StatisticsFolder Open(string path, RunFingerprint fingerprint, TokenWeighting? weighting = null)
    {
        var now = new Manifest(1, fingerprint.Model, fingerprint.Calibration);
        string file = Path.Combine(path, "manifest.json");
        if (File.Exists(file))
        {
            var there = ReadManifest(file);
            string[] differences = [.. Differences(there, now)];
            if (differences.Length > 0)
                throw new InvalidDataException($"{path}: the statistics kept here belong to {string.Join(" and ", differences)}; "
                    + "name another folder, or remove this one.");
        }
        else if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())
            throw new InvalidDataException($"{path}: the folder is not empty and holds no statistics; name another.");
        else
        {
            Directory.CreateDirectory(path);
            AtomicFile.WriteText(file, JsonSerializer.Serialize(now, RecipeJson.Options));
        }
        return new(path, weighting ?? TokenWeighting.Plain);
    }

    /// <summary>Whether all weightings asked for are there.</summary>
    public bool Has(int block) => _weighting.Summed.All(w => File.Exists(FileOf(block, w)));

    public void Save(int block, IReadOnlyDictionary<InputSite, SiteStatistics> statistics)
    {
        foreach (var weights in _weighting.Summed.Where(w => !File.Exists(FileOf(block, w))))
        {
            var tensors = new StoredTensors();
            foreach (var (site, seen) in statistics)
            {
                var (under, gram) = (tensors.Under(NameOf(site)), LowerTriangle(seen.Grams[weights]));
                under.Add("gram", StoredTensor.FromValues("gram", gram, gram.Length));
                if (weights != TokenWeights.None) continue;
                if (seen.Magnitudes is { } magnitudes) under.Add("magnitudes", StoredTensor.FromValues("magnitudes", magnitudes, magnitudes.Length));
                under.Add("tokens", StoredTensor.FromValues("tokens", new[] { seen.Tokens }, 1));
                if (seen.Routed is { } routed) under.Add("routed", StoredTensor.FromValues("routed", new[] { routed }, 1));
                under.Add("sink", StoredTensor.FromValues("sink", new[] { seen.Sinks.Ratio }, 1));
                under.Add("sinkTokens", StoredTensor.FromValues("sinkTokens", new[] { seen.Sinks.Tokens ?? 0 }, 1));
                under.Add("sinkShare", StoredTensor.FromValues("sinkShare", new[] { seen.Sinks.Share ?? 0 }, 1));
            }
            SafetensorsWriter.Write(FileOf(block, weights), tensors.All);
        }
    }

    public Dictionary<InputSite, SiteStatistics> Load(int block, IEnumerable<InputSite> sites)
    {
        var files = _weighting.Summed.ToDictionary(w => w, w => Checkpoint.Open(FileOf(block, w)));
        try
        {
            return sites.ToDictionary(site => site, site =>
            {
                var grams = files.ToDictionary(f => f.Key, f => Symmetric(f.Value.Tensors.Under(NameOf(site))["gram"]));
                _weighting.Complete(grams);
                var plain = files[TokenWeights.None].Tensors.Under(NameOf(site));
                return new SiteStatistics(plain["tokens"].ReadArray<long>()[0], grams, SinksOf(plain))
                {
                    Magnitudes = plain.Contains("magnitudes") ? plain["magnitudes"].ReadArray<double>() : null,
                    Routed = plain.Contains("routed") ? plain["routed"].ReadArray<long>()[0] : null,
                };
            });
        }
        finally
        {
            foreach (var file in files.Values) file.Dispose();
        }
    }

    // Folders of the first version know only the ratio.
    private static Sinks SinksOf(StoredTensors plain) => new(plain["sink"].ReadArray<double>()[0],
        plain.Contains("sinkTokens") ? plain["sinkTokens"].ReadArray<long>()[0] : null,
        plain.Contains("sinkShare") ? plain["sinkShare"].ReadArray<double>()[0] : null);

    private string FileOf(int block, TokenWeights weights) => Path.Combine(_path, weights switch
    {
        TokenWeights.None => $"block-{block:D3}.safetensors",
        TokenWeights.Cut => FormattableString.Invariant($"block-{block:D3}.cut-{_weighting.NormCut}.safetensors"),
        _ => $"block-{block:D3}.{JsonNamingPolicy.CamelCase.ConvertName(weights.ToString())}.safetensors",
    });

    private static string NameOf(InputSite site) => JsonNamingPolicy.CamelCase.ConvertName(site.ToString());

    private static Manifest ReadManifest(string file)
    {
        try
        {
            return JsonSerializer.Deserialize<Manifest>(File.ReadAllText(file), RecipeJson.Options)!;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{file}: no manifest of a statistics folder ({e.Message}); name another folder.", e);
        }
    }

    private static IEnumerable<string> Differences(Manifest there, Manifest now)
    {
        if (there.Version != now.Version) yield return $"version {there.Version} of this format (here {now.Version})";
        if (there.Model != now.Model) yield return "another model";
        if (there.Calibration != now.Calibration) yield return "other calibration tokens";
    }

    private static double[] LowerTriangle(Matrix<double> m)
    {
        var lower = new double[(long)m.Rows * (m.Rows + 1) / 2];
        for (int i = 0; i < m.Rows; i++) m.Row(i)[..(i + 1)].CopyTo(lower.AsSpan((int)((long)i * (i + 1) / 2)));
        return lower;
    }

    private static Matrix<double> Symmetric(StoredTensor stored)
    {
        int n = (int)((Math.Sqrt(8.0 * stored.Count + 1) - 1) / 2);
        if ((long)n * (n + 1) / 2 != stored.Count)
            throw new InvalidDataException($"{stored.Description}: {stored.Count} values are no triangle.");
        var (lower, m) = (stored.ReadArray<double>(), new Matrix<double>(n, n));
        for (int i = 0; i < n; i++) lower.AsSpan((int)((long)i * (i + 1) / 2), i + 1).CopyTo(m.Row(i));
        LinearAlgebra.Symmetrize(m);
        return m;
    }
}
