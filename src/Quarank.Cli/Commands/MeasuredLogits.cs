using Quarank.Checkpoints;
using Quarank.Cli.Console;
using Quarank.Evaluation;
using Quarank.Studies;
using Quarank.Tokenizers;

namespace Quarank.Cli.Commands;

/// <summary>Which saved logits an evaluation reads, or writes; at most one of the two.</summary>
/// <param name="Against">A file to compare with.</param>
/// <param name="Save">A file to write.</param>
internal sealed record LogitFiles(string? Against, string? Save);

/// <summary>A file of logits that an evaluation left.</summary>
internal sealed record MeasuredLogits(string File, long Bytes, long Positions, int BytesPerPosition)
{
    /// <summary>Says what the file will take, runs the model and writes it.</summary>
    public static (PerplexityResult Own, MeasuredLogits Saved) Of(
        Terminal terminal, string path, Checkpoint checkpoint, Models.Model model, string text, Tokenizer tokenizer, int[] ids, int length, int? segments,
        IProgress<EvaluationProgress> progress)
    {
        var header = LogitFile.Plan(checkpoint, model, text, tokenizer, ids, length, segments);
        var saved = new MeasuredLogits(path, header.FileBytes, header.Positions, header.PositionBytes);
        terminal.Error.WriteLine($"logits: {path} will take {saved.Size}");
        return (LogitFile.Save(path, header, model, ids, progress), saved with { Bytes = new FileInfo(path).Length });
    }

    /// <summary>"1.46 MB: 5,355 positions of 276 bytes".</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public string Size => $"{Units.Bytes(Bytes)}: {Units.Count(Positions)} positions of {Units.Count(BytesPerPosition)} bytes";
}
