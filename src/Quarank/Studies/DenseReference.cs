using Quarank.Checkpoints;
using Quarank.Evaluation;
using Quarank.Evaluation.Tasks;
using Quarank.Models;
using Quarank.Pipeline;
using Quarank.Tokenizers;

namespace Quarank.Studies;

/// <summary>The dense model on the texts and tasks of a comparison: run once, then read from what was kept.</summary>
internal sealed class DenseReference
{
    private readonly Checkpoint _checkpoint;
    private readonly IReadOnlyList<DenseStates> _states;
    private Head? _head;

    private DenseReference(Checkpoint checkpoint, IReadOnlyList<DenseStates> states, IReadOnlyList<TaskAnswers> answers, DecodeSpeed speed) =>
        (_checkpoint, _states, Answers, Speed) = (checkpoint, states, answers, speed);

    /// <summary>To the tasks, in their order.</summary>
    public IReadOnlyList<TaskAnswers> Answers { get; }

    public DecodeSpeed Speed { get; }

    /// <summary>Of a text.</summary>
    public PerplexityResult Perplexity(int text) => _states[text].Perplexity;

    /// <summary>The dense model's distributions on a text, from its last hidden states; the model itself is not in memory.</summary>
    public Predictor Predictor(int text) => _states[text].Predictor(_head ??= LoadHead());

    /// <param name="folder">Where states are kept.</param>
    /// <param name="model">The model's hash.</param>
    public static DenseReference Of(Checkpoint checkpoint, Tokenizer tokenizer, IReadOnlyList<MeasuredText> texts, IReadOnlyList<PreparedTask> tasks,
        ComparisonCache cache, string folder, string model, IProgress<(double, string)> progress)
    {
        Model? loaded = null;
        Model Load() => loaded ??= Model.Load(checkpoint);
        int parts = texts.Count + tasks.Count, done = 0;
        Immediate<double> Part(string what) => new(f => progress.Report(((done + f) / parts, $"the dense model, {what}")));

        var states = new List<DenseStates>();
        foreach (var text in texts)
        {
            states.Add(DenseStates.Of(checkpoint, Load, text, folder, DenseStates.Key(model, text.Hash, text.Length), Part(text.Name)));
            done++;
        }
        var answers = new List<TaskAnswers>();
        foreach (var task in tasks)
        {
            string key = DenseStates.Key(model, TaskAnswers.Content(task), 0);
            var told = Part(task.Definition.Name);
            answers.Add(cache.TryLoad<TaskAnswers>("task", key)
                ?? cache.Save("task", key, TaskAnswers.Of(Load(), tokenizer, task, new Immediate<TaskProgress>(p => told.Report(p.Fraction)))));
            done++;
        }
        string speedKey = DenseStates.Key(model, "speed", 0);
        return new(checkpoint, states, answers, cache.TryLoad<DecodeSpeed>("speed", speedKey) ?? cache.Save("speed", speedKey, DecodeSpeed.Of(Load())));
    }

    private Head LoadHead()
    {
        var spec = ModelSpec.Of(_checkpoint);
        return Model.LoadHead(_checkpoint, spec, Model.LoadEmbedding(_checkpoint, spec));
    }
}
