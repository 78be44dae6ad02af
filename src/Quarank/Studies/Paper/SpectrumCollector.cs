using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Quarank.Compression;
using Quarank.Numerics;
using Quarank.Pipeline;

namespace Quarank.Studies.Paper;

/// <summary>One layer's spectrum, and the errors of the methods that were tried on it, by their names.</summary>
public sealed record SurveyedLayer(OutputSpectrum Spectrum, IReadOnlyDictionary<string, double> Errors);

/// <summary>
/// Spectra of all layers of a model, and what methods make of each layer on the same statistics. A file per block, named by all that decides
/// its content, so that a study that was stopped, or another study, goes on from there.
/// </summary>
internal static class SpectrumCollector
{
    /// <param name="methods">Fitted to the model; tried layer by layer.</param>
    public static IReadOnlyList<SurveyedLayer> Collect(
        Survey survey, string cacheFolder, IReadOnlyDictionary<string, Method> methods, IProgress<RunProgress>? progress, CancellationToken token)
    {
        string key = Key(survey, methods);
        Directory.CreateDirectory(cacheFolder);
        string FileOf(int block) => Path.Combine(cacheFolder, $"{key}-block-{block:D3}.json");
        var found = new SurveyedLayer[]?[survey.Spec.BlockCount];
        for (int i = 0; i < found.Length; i++) found[i] = Read(FileOf(i));

        int[] missing = [.. Enumerable.Range(0, found.Length).Where(i => found[i] is null)];
        survey.Visit(missing, (block, layers) =>
        {
            var surveyed = new SurveyedLayer[layers.Count];
            Threads.For(layers.Count, i =>
            {
                token.ThrowIfCancellationRequested();
                surveyed[i] = Of(layers[i], methods);
            });
            found[block] = surveyed;
            AtomicFile.WriteText(FileOf(block), JsonSerializer.Serialize(surveyed, Compact));
        }, progress, token);
        return [.. found.SelectMany(block => block!)];
    }

    private static readonly JsonSerializerOptions Compact = new(RunJson.Options) { WriteIndented = false };

    private static SurveyedLayer Of(LayerProblem layer, IReadOnlyDictionary<string, Method> methods) =>
        new(OutputSpectrum.Of(layer), methods.ToDictionary(m => m.Key, m => ProxyLoss.Relative(layer, m.Value.Compress(layer))));

    private static string Key(Survey survey, IReadOnlyDictionary<string, Method> methods)
    {
        string content = JsonSerializer.Serialize(new { Model = survey.ModelHash, Calibration = survey.Calibration.Hash, Methods = methods, RunFingerprint.ThisProgram,
            Blas = BlasLibrary.Describe() }, Compact);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)))[..16];
    }

    private static SurveyedLayer[]? Read(string path)
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<SurveyedLayer[]>(File.ReadAllText(path), Compact) : null;
        }
        catch (JsonException)
        {
            return null;   // damaged: done again
        }
    }
}
