using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Quarank.Pipeline;

namespace Quarank.Studies;

/// <summary>
/// What was measured, kept by all that decides it: program, BLAS library, model, recipe with its knobs, calibration tokens,
/// evaluation tokens.
/// </summary>
internal sealed class ComparisonCache(string folder, string evaluationKey)
{
    /// <summary>SHA-256 of what decides the result of a run and of its measuring.</summary>
    public string Key(RunFingerprint run) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{run.Hash()} {evaluationKey}")))[..16];

    /// <summary>Null when nothing is kept, or what is kept cannot be read.</summary>
    public ComparisonMeasures? TryLoad(string key)
    {
        try
        {
            return File.Exists(FileOf(key))
                ? JsonSerializer.Deserialize<ComparisonMeasures>(File.ReadAllText(FileOf(key)), RunJson.Options) : null;
        }
        catch (JsonException)
        {
            return null;   // measured again
        }
    }

    public void Save(string key, ComparisonMeasures measures) =>
        AtomicFile.WriteText(FileOf(key), JsonSerializer.Serialize(measures, RunJson.Options));

    private string FileOf(string key) => Path.Combine(folder, $"result-{key}.json");
}
