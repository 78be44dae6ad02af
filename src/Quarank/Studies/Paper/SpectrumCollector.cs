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
/// Spectra of all layers of a model, and what methods make of each layer on the same statistics. A file per block and kind of result, named
/// by all that decides its content, so that a study that was stopped, or another study, goes on from there.
/// </summary>
internal sealed class SpectrumCollector(Survey survey, string folder, IProgress<RunProgress>? progress, CancellationToken token)
{
    private static readonly JsonSerializerOptions Compact = new(RunJson.Options) { WriteIndented = false };

    /// <param name="methods">Fitted to the model; tried layer by layer.</param>
    public IReadOnlyList<SurveyedLayer> Collect(IReadOnlyDictionary<string, Method> methods)
    {
        Directory.CreateDirectory(folder);
        int blocks = survey.Spec.BlockCount;
        var spectra = new OutputSpectrum[]?[blocks];
        var errors = methods.ToDictionary(m => m.Key, _ => new double[]?[blocks]);
        for (int i = 0; i < blocks; i++)
        {
            spectra[i] = Read<OutputSpectrum[]>(FileOf("spectrum", null, i));
            foreach (var (name, found) in errors) found[i] = Read<double[]>(FileOf(name, methods[name], i));
        }

        int[] missing = [.. Enumerable.Range(0, blocks).Where(i => spectra[i] is null || errors.Values.Any(found => found[i] is null))];
        survey.Visit(missing, (block, layers) =>
        {
            spectra[block] ??= Each("spectrum", null, block, layers, OutputSpectrum.Of);
            foreach (var (name, found) in errors)
                found[block] ??= Each(name, methods[name], block, layers, layer => ProxyLoss.Relative(layer, methods[name].Compress(layer)));
        }, progress, token);
        return [.. spectra.SelectMany((block, b) => block!.Select((spectrum, i) => new SurveyedLayer(spectrum, errors.ToDictionary(e => e.Key, e => e.Value[b]![i]))))];
    }

    private T[] Each<T>(string kind, Method? method, int block, IReadOnlyList<LayerProblem> layers, Func<LayerProblem, T> of)
    {
        var results = new T[layers.Count];
        Threads.For(results.Length, i =>
        {
            token.ThrowIfCancellationRequested();
            results[i] = of(layers[i]);
        });
        AtomicFile.WriteText(FileOf(kind, method, block), JsonSerializer.Serialize(results, Compact));
        return results;
    }

    private string FileOf(string kind, Method? method, int block)
    {
        string content = JsonSerializer.Serialize(new { RunFingerprint.ThisProgram, Blas = BlasLibrary.Describe(), Model = survey.ModelHash, Calibration = survey.Calibration.Hash, method }, Compact);
        string key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)))[..16];
        return Path.Combine(folder, $"{kind}-{key}-block-{block:D3}.json");
    }

    private static T? Read<T>(string path) where T : class
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<T>(File.ReadAllText(path), Compact) : null;
        }
        catch (JsonException)
        {
            return null;   // damaged: done again
        }
    }
}
