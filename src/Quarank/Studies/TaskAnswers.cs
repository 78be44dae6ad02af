using Quarank.Evaluation.Tasks;
using Quarank.Models;
using Quarank.Tokenizers;

namespace Quarank.Studies;

/// <summary>A model's answers to one task, kept question by question so that two models can be compared in pairs.</summary>
/// <param name="Values">Of each metric, one for every question.</param>
internal sealed record TaskAnswers(string Task, int FewShot, IReadOnlyList<TaskMetric> Metrics, IReadOnlyList<double[]> Values, double Seconds)
{
    public static TaskAnswers Of(Model model, Tokenizer tokenizer, PreparedTask task, IProgress<TaskProgress> progress)
    {
        var report = TaskRun.Execute(model, tokenizer, [task], progress);
        var result = report.Tasks[0];
        return new(task.Definition.Name, task.FewShot, result.Metrics,
            [.. result.Metrics.Select((_, i) => result.Samples.Select(s => s.Values[i]).ToArray())], report.Seconds);
    }

    /// <summary>What decides the answers besides the model.</summary>
    public static string Content(PreparedTask task) => ComparisonCache.Key(
        task.Questions.SelectMany(q => q.Question.Pairs.SelectMany(p => new[] { p.Context, p.Continuation }).Append($"{q.Question.Gold} {string.Join('|', q.Question.Choices)}"))
            .Prepend(FormattableString.Invariant($"{task.Definition.Name} {task.Definition.Version} {string.Join(',', task.Definition.Metrics)}")));

    public IEnumerable<ComparedTask> Compared() => Metrics.Select((m, i) => new ComparedTask(Task, m.Name, Values[i].Length, FewShot, m.Value, m.Error));

    /// <summary>Beside the dense model's answers to the same questions.</summary>
    public IEnumerable<TaskMeasures> Beside(TaskAnswers dense) => Metrics.Select((m, i) =>
    {
        // Perplexities are no means over questions.
        if (m.Aggregation != "mean") return new TaskMeasures(Task, m.Name, m.Value, m.Error, null, null, Seconds);
        double[] differences = [.. Values[i].Zip(dense.Values[i], (a, b) => a - b)];
        double mean = differences.Average(), squares = differences.Sum(d => (d - mean) * (d - mean));
        int n = differences.Length;
        return new TaskMeasures(Task, m.Name, m.Value, m.Error, mean, n > 1 ? Math.Sqrt(squares / (n - 1) / n) : null, Seconds);
    });
}
