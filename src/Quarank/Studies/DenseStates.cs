using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Evaluation;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Pipeline;

namespace Quarank.Studies;

/// <summary>
/// The dense model's last hidden states on the evaluation text, computed once and kept in a file: 4 bytes · hidden size for every
/// token, read a segment at a time.
/// </summary>
internal sealed class DenseStates
{
    private readonly string _file;
    private readonly int _length, _hidden;

    private DenseStates(string file, int length, int hidden, PerplexityResult perplexity) =>
        (_file, _length, _hidden, Perplexity) = (file, length, hidden, perplexity);

    /// <summary>Of the dense model.</summary>
    public PerplexityResult Perplexity { get; }

    /// <summary>Reads them if they are kept under this key, else runs the model.</summary>
    /// <param name="load">Gives the model, when it must run.</param>
    public static DenseStates Of(Checkpoint checkpoint, Func<Model> load, MeasuredText text, string folder, string key, IProgress<double> progress)
    {
        var (ids, length, segments) = (text.Ids, text.Length, text.Segments);
        string file = FileOf(folder, key), record = Path.Combine(folder, $"dense-{key}.json");
        int hidden = ModelSpec.Of(checkpoint).TableWidth;
        if (TryRead(record) is { } kept && new FileInfo(file) is { Exists: true } info
            && info.Length == 4L * segments * length * hidden)
            return new(file, length, hidden, kept);

        var model = load();
        var (scorer, losses) = (new TokenLosses(model), new List<float[]>());
        AtomicFile.Write(file, stream =>
        {
            for (int i = 0; i < segments; i++)
            {
                var sequence = ids.AsSpan(i * length, length);
                var states = model.Forward(sequence);
                losses.Add(scorer.Of(states, sequence));
                stream.Write(MemoryMarshal.AsBytes<float>(states.Data));
                progress.Report((i + 1.0) / segments);
            }
        });
        var perplexity = Evaluation.Perplexity.OfLosses(losses, length);
        AtomicFile.WriteText(record, JsonSerializer.Serialize(perplexity, RunJson.Options));
        return new(file, length, hidden, perplexity);
    }

    /// <summary>The dense model's distributions, with nothing of it in memory but the head.</summary>
    public Predictor Predictor(Head head) => new(head, i =>
    {
        var states = new Matrix<float>(_length, _hidden);
        using var stream = File.OpenRead(_file);
        stream.Position = 4L * i * _length * _hidden;
        stream.ReadExactly(MemoryMarshal.AsBytes(states.Data));
        return states;
    });

    /// <summary>Where the states of a key are kept.</summary>
    public static string FileOf(string folder, string key) => Path.Combine(folder, $"dense-{key}.states");

    /// <summary>SHA-256 of what decides the states.</summary>
    public static string Key(string model, string text, int length) => Convert.ToHexStringLower(SHA256.HashData(
        Encoding.UTF8.GetBytes($"{RunFingerprint.ThisProgram} {BlasLibrary.Describe()} {model} {text} {length}")))[..16];

    private static PerplexityResult? TryRead(string record)
    {
        try
        {
            return File.Exists(record) ? JsonSerializer.Deserialize<PerplexityResult>(File.ReadAllText(record), RunJson.Options) : null;
        }
        catch (JsonException)
        {
            return null;   // computed again
        }
    }
}
