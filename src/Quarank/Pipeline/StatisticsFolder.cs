using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Pipeline;

/// <summary>
/// The Gram matrices of an original model on one calibration set, kept so that many methods can be tried on them. Per block a
/// file with, per site, <c>name.gram</c> (the lower triangle, row by row, float64), <c>name.tokens</c> and <c>name.sink</c>.
/// </summary>
internal sealed class StatisticsFolder
{
    private readonly string _path;

    private sealed record Manifest(int Version, string Model, string Calibration);

    private StatisticsFolder(string path) => _path = path;

    /// <summary>Opens the folder, or makes one.</summary>
    /// <exception cref="InvalidDataException">It holds the statistics of another model or of other tokens, or something
    /// else.</exception>
    public static StatisticsFolder Open(string path, RunFingerprint fingerprint)
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
        return new(path);
    }

    public bool Has(int block) => File.Exists(FileOf(block));

    public void Save(int block, IReadOnlyDictionary<InputSite, SiteStatistics> statistics)
    {
        var tensors = new StoredTensors();
        foreach (var (site, seen) in statistics)
        {
            var (under, gram) = (tensors.Under(NameOf(site)), LowerTriangle(seen.Inputs.Gram));
            under.Add("gram", StoredTensor.FromValues("gram", gram, gram.Length));
            under.Add("tokens", StoredTensor.FromValues("tokens", new[] { seen.Inputs.Tokens }, 1));
            under.Add("sink", StoredTensor.FromValues("sink", new[] { seen.Sink }, 1));
        }
        SafetensorsWriter.Write(FileOf(block), tensors.All);
    }

    public Dictionary<InputSite, SiteStatistics> Load(int block)
    {
        using var file = Checkpoint.Open(FileOf(block));
        return Enum.GetValues<InputSite>().ToDictionary(site => site, site =>
        {
            var under = file.Tensors.Under(NameOf(site));
            var gram = Symmetric(under["gram"]);
            return new SiteStatistics(new InputStatistics(under["tokens"].ReadArray<long>()[0], gram),
                under["sink"].ReadArray<double>()[0]);
        });
    }

    private string FileOf(int block) => Path.Combine(_path, $"block-{block:D3}.safetensors");

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
