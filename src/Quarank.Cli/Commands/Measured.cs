using System.Diagnostics;
using System.Text.Json.Serialization;
using Quarank.Checkpoints;
using Quarank.Cli.Console;
using Quarank.Evaluation;
using Quarank.Models;
using Quarank.Tokenizers;
using Quarank.Pipeline;

namespace Quarank.Cli.Commands;

/// <summary>A model's perplexity on a text, beside what the model takes.</summary>
/// <param name="Tokens">How many were foretold.</param>
/// <param name="BitsPerWeight">Of the compressed layers; of all linear layers when none is compressed.</param>
/// <param name="FileBytes">All weight files.</param>
internal sealed record Measured(
    string Model, string Text, string Protocol, double Perplexity, double StandardError, long Tokens, int Segments,
        double BitsPerWeight, long FileBytes, double Seconds)
{
    private const int UsualLength = 2048;

    /// <summary>Beside which other model it was measured, if beside one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public MeasuredAgainst? Against { get; init; }

    /// <summary>The file of its logits, if one was asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public MeasuredLogits? SavedLogits { get; init; }

    /// <summary>In which numbers it ran, if not exactly.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Numbers { get; init; }

    /// <summary>The class by whose rules the text was cut, if not by those of tokenizer.json.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? TokenizerClass { get; init; }

    /// <summary>Measures a model, showing how far it is.</summary>
    /// <param name="length">Null: that of the logits to compare with; else 2,048, or the model's context when that is shorter.</param>
    /// <param name="stride">Null: segments that do not overlap.</param>
    /// <param name="against">The folder of the dense model to compare distributions with; not with a stride.</param>
    /// <param name="logits">Saved logits in its place, or to write; not with a stride.</param>
    public static Measured Of(
        Terminal terminal, LoadedModel loaded, string textFile, int? length, int? stride, int? segments, string? against = null, LogitFiles? logits = null)
    {
        var checkpoint = loaded.Checkpoint;
        var clock = Stopwatch.StartNew();
        string text = TextInput.ReadDocuments(textFile);
        var spec = ModelSpec.Of(checkpoint);
        using var saved = logits?.Against is { } file ? Evaluation.SavedLogits.Open(file) : null;
        int tokens = length ?? saved?.Header.Length ?? Math.Min(UsualLength, spec.ContextLength);
        if (tokens > spec.ContextLength)
            throw new InvalidDataException(
                Units.Invariant(
                $"{checkpoint.Path}: segments of {tokens:N0} tokens are longer than the {spec.ContextLength:N0} positions of this model; give a smaller --length."));
        if (stride >= tokens)
            throw new InvalidDataException(
            Units.Invariant($"--stride {stride} must be less than the {tokens:N0} tokens of a segment."));

        var tokenizer = loaded.Tokenizer;
        var ids = tokenizer.Encode(text);
        saved?.Check(text, tokenizer, ids, spec.VocabularySize, tokens);
        if (ids.Length < tokens)
            throw new InvalidDataException(
                Units.Invariant(
                $"{textFile}: too short: it has {ids.Length:N0} tokens, a segment needs {tokens:N0}; give a longer text, or a smaller --length."));
        var layers = CompressedLayers.Of(checkpoint, spec);
        var model = loaded.Model;
        using var view = new ProgressView(terminal, "evaluate");
        if (logits?.Save is null) view.Report(0, "");
        var progress = new Immediate<EvaluationProgress>(p =>
        {
            terminal.Stop.ThrowIfCancellationRequested();
            view.Report((double)p.Done / p.Total,
                Units.Invariant($"segment {p.Done} of {p.Total}, perplexity {Units.Perplexity(p.Perplexity)}"));
        });
        MeasuredAgainst? beside = null;
        MeasuredLogits? written = null;
        PerplexityResult own;
        if (against is not null) (own, beside) = MeasuredAgainst.Of(model, against, ids, tokens, segments, progress);
        else if (saved is not null) (own, beside) = MeasuredAgainst.Of(model, saved, logits!.Against!, ids, segments, progress);
        else if (logits?.Save is { } path)
            (own, written) = MeasuredLogits.Of(terminal, path, checkpoint, model, text, tokenizer, ids, tokens, segments, progress);
        else if (stride is { } step) own = Evaluation.Perplexity.OfSlidingWindow(model, ids, tokens, step, segments, progress);
        else own = Evaluation.Perplexity.OfSegments(model, ids, tokens, segments, progress);
        return new(checkpoint.Path, textFile, own.Protocol, own.Perplexity, own.StandardError, own.Tokens, own.Segments,
            CompressedLayers.BitsPerWeight(layers), checkpoint.FileBytes, clock.Elapsed.TotalSeconds)
        { Against = beside, SavedLogits = written, Numbers = InferenceOptions.Describe(model.Settings), TokenizerClass = tokenizer.ClassRules };
    }
}
