using Quarank.Checkpoints;
using Quarank.Evaluation;
using Quarank.Models;
using Quarank.Pipeline;
using Quarank.Tokenizers;

namespace Quarank.Studies;

/// <summary>Writes <see cref="SavedLogits"/> of a checkpoint: whole, or not at all.</summary>
public static class LogitFile
{
    /// <summary>What the file will be; its size is known before the model runs.</summary>
    /// <inheritdoc cref="SavedLogitsHeader.Of"/>
    public static SavedLogitsHeader Plan(
        Checkpoint checkpoint, Model model, string text, Tokenizer tokenizer, ReadOnlySpan<int> ids, int length, int? segments = null) =>
        SavedLogitsHeader.Of(model.Head.Table.Rows, RunFingerprint.OfModel(checkpoint), text, tokenizer, ids, length, segments);

    /// <summary>Runs the model and writes the file under its name by a rename.</summary>
    /// <returns>The model's perplexity, of the same pass.</returns>
    public static PerplexityResult Save(
        string path, SavedLogitsHeader header, Model model, int[] ids, IProgress<EvaluationProgress>? progress = null)
    {
        PerplexityResult? result = null;
        AtomicFile.Write(path, stream => result = SavedLogits.Write(stream, header, Predictor.Of(model, ids, header.Length), ids, progress));
        return result!;
    }
}
