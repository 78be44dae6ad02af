using Quarank.Checkpoints;
using Quarank.Pipeline;

namespace Quarank.Studies;

/// <summary>What a comparison has to know of each model, piece by piece, and what of it is kept.</summary>
internal sealed class ComparisonPieces(
    ComparisonRequest request, Checkpoint original, CalibrationSet calibration, IReadOnlyList<MeasuredText> texts, ComparisonCache cache)
{
    private readonly string[] _tasks = [.. request.Tasks.Select(TaskAnswers.Content)];

    /// <summary>What decides the model that a recipe makes.</summary>
    public string KeyOf(Recipe recipe) => ComparisonCache.Key(RunFingerprint.Of(recipe, original, calibration).Hash());

    /// <summary>What the run said of the model; null as long as it was never made, by this process or another.</summary>
    public ComparisonMeasures? Made(string key) => cache.TryLoad<ComparisonMeasures>("made", key);

    public DecodeSpeed? Speed(string key) => cache.TryLoad<DecodeSpeed>("speed", key);

    /// <summary>Of text number i.</summary>
    public TextMeasures? Text(string key, int i) => cache.TryLoad<TextMeasures>("text", TextKey(key, i));

    /// <summary>Of task number i.</summary>
    public TaskAnswers? Answers(string key, int i) => cache.TryLoad<TaskAnswers>("task", TaskKey(key, i));

    public void Keep(string key, ComparisonMeasures made) => cache.Save("made", key, made);

    public void Keep(string key, DecodeSpeed speed) => cache.Save("speed", key, speed);

    public void Keep(string key, int text, TextMeasures measures) => cache.Save("text", TextKey(key, text), measures);

    public void Keep(string key, int task, TaskAnswers answers) => cache.Save("task", TaskKey(key, task), answers);

    private string TextKey(string key, int i) => ComparisonCache.Key(key, texts[i].Hash, $"{texts[i].Length}");

    private string TaskKey(string key, int i) => ComparisonCache.Key(key, _tasks[i]);
}
