using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Compression.Methods;
using Quarank.Evaluation;
using Quarank.Models;
using Quarank.Pipeline;

namespace Quarank.Studies.Paper;

/// <summary>A text as a model's tokens.</summary>
internal sealed record StudyText(string Name, int[] Ids, int Length, int? Segments)
{
    public int Count => Math.Min(Ids.Length / Length, Segments ?? int.MaxValue);

    public string Hash { get; } = Convert.ToHexStringLower(SHA256.HashData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(Ids.AsSpan(0, Math.Min(Ids.Length / Length, Segments ?? int.MaxValue) * Length))));
}

/// <summary>
/// Compresses and measures variants one after another. A row is kept under all that decides its figures, so that the same command goes on
/// where it was stopped, and another study finds it done.
/// </summary>
internal sealed class RowRunner(string modelFolder, Recipe recipe, string cacheFolder, string statisticsFolder, IReadOnlyList<StudyText> texts, IProgress<StudyProgress>? progress, CancellationToken token)
{
    public IReadOnlyList<StudyRow> Run(IReadOnlyList<StudyVariant> variants, Survey survey)
    {
        var rows = new List<StudyRow>();
        for (int i = 0; i < variants.Count; i++)
        {
            token.ThrowIfCancellationRequested();
            rows.Add(Row(variants[i], survey, new Part(progress, (double)i / variants.Count, 1.0 / variants.Count, $"{variants[i].Name} ({i + 1} of {variants.Count})")));
        }
        return rows.Exists(r => r.Refusal is null) ? rows : throw new InvalidDataException($"No row can be tried on this model: {rows[0].Name}: {rows[0].Refusal}");
    }

    /// <summary>The unchanged model on each text; kept as rows are.</summary>
    public IReadOnlyList<DenseScore> Dense(Survey survey)
    {
        string file = Path.Combine(cacheFolder, $"dense-{Hash(new { Model = survey.ModelHash, Texts = texts.Select(t => new { t.Name, t.Hash, t.Length }), RunFingerprint.ThisProgram })}.json");
        if (Read<DenseScore[]>(file) is { } kept) return kept;
        var part = new Part(progress, 0, 0, "the unchanged model");
        using var checkpoint = Checkpoint.Open(modelFolder);
        var model = Model.Load(checkpoint);
        DenseScore[] scores = [.. texts.Select((text, i) =>
        {
            var result = Evaluate(model, text, part, 0, 1);
            return new DenseScore(new(text.Name, text.Hash, result.Protocol, text.Length, result.Segments, result.Tokens), result.Perplexity, result.StandardError);
        })];
        AtomicFile.WriteText(file, JsonSerializer.Serialize(scores, RunJson.Options));
        return scores;
    }

    private StudyRow Row(StudyVariant variant, Survey survey, Part part)
    {
        var wanted = recipe with { Method = variant.Method, Calibration = recipe.Calibration with { TokenWeights = variant.Weights }, Fallback = false };
        string key = Hash(new
        {
            RunFingerprint.ThisProgram,
            Model = survey.ModelHash,
            Calibration = survey.Calibration.Hash,
            variant.Method,
            variant.Weights,
            wanted.Calibration.NormCut,
            wanted.Propagate,
            wanted.Order,
            wanted.Seed,
            Texts = texts.Select(t => new { t.Name, t.Hash, t.Length }),
        });
        string file = Path.Combine(cacheFolder, $"row-{key}.json"), output = Path.Combine(cacheFolder, $"model-{key}");
        part.Report(0, "");
        if (Read<StudyRow>(file) is { } kept) return kept with { Name = variant.Name };

        double? fraction;
        try
        {
            fraction = variant.Method.Fit(survey.Shapes) is Lordq lordq ? lordq.RankFraction : null;
        }
        catch (ArgumentException e)
        {
            return new(variant.Name, variant.Method, variant.Weights, Refusal: e.Message);
        }
        var options = new RunOptions { Calibration = survey.Calibration, WorkFolder = output + ".run", Statistics = wanted.Propagate == Propagation.Original ? statisticsFolder : null };
        var report = CompressionReport.TryLoad(output) ?? CompressionRun.Execute(modelFolder, output, wanted, options, part.Compressing(), token);
        var worst = report.Layers.MaxBy(l => l.RelativeError)!;
        StudyScore[] scores;
        using (var checkpoint = Checkpoint.Open(output))
        {
            var model = Model.Load(checkpoint);
            scores = [.. texts.Select((text, i) => Evaluate(model, text, part, 0.5 + 0.5 * i / texts.Count, 0.5 / texts.Count)).Select((r, i) => new StudyScore(texts[i].Name, r.Perplexity, r.StandardError))];
        }
        var row = new StudyRow(variant.Name, variant.Method, variant.Weights, null, fraction, report.BitsPerWeight, report.FileBytes, report.MeanRelativeError, worst.RelativeError,
            worst.Name, scores, report.Layers.Sum(l => l.Seconds));
        AtomicFile.WriteText(file, JsonSerializer.Serialize(row, RunJson.Options));
        Directory.Delete(output, recursive: true);
        return row;
    }

    private PerplexityResult Evaluate(Model model, StudyText text, Part part, double from, double share) =>
        Perplexity.OfSegments(model, text.Ids, text.Length, text.Segments, new Immediate<EvaluationProgress>(p =>
        {
            token.ThrowIfCancellationRequested();
            part.Report(from + share * p.Done / p.Total, $"{text.Name}, segment {p.Done} of {p.Total}");
        }));

    private static T? Read<T>(string file) where T : class
    {
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize<T>(File.ReadAllText(file), RunJson.Options) : null;
        }
        catch (JsonException)
        {
            return null;   // damaged: done again
        }
    }

    private static string Hash(object content) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(content, RunJson.Options))))[..16];

    // A row's share of the whole: half of it compresses, half of it evaluates.
    private sealed class Part(IProgress<StudyProgress>? progress, double from, double share, string name)
    {
        public void Report(double fraction, string detail) => progress?.Report(new(from + share * fraction, detail.Length == 0 ? name : $"{name}, {detail}"));

        public Immediate<RunProgress> Compressing() => new Immediate<RunProgress>(p => Report(0.5 * p.Total, $"block {p.Block + 1} of {p.Blocks}"));
    }
}

/// <summary>Where a study stands.</summary>
/// <param name="Total">How much of it is done, 0 … 1.</param>
/// <param name="Detail">What is being done.</param>
public readonly record struct StudyProgress(double Total, string Detail);
