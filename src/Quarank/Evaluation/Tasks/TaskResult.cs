using Quarank.Evaluation.Tasks.Data;
using Quarank.Evaluation.Tasks.Scoring;

namespace Quarank.Evaluation.Tasks;

/// <summary>One document, asked.</summary>
/// <param name="Scores">One for each of the question's pairs.</param>
/// <param name="Values">One for each of the task's metrics: 1 or 0 of acc and acc_norm, else the log-likelihood.</param>
public sealed record TaskSample(Document Document, Question Question, IReadOnlyList<Score> Scores, IReadOnlyList<double> Values);

/// <summary>A task's figures and what they come from.</summary>
public sealed record TaskResult(PreparedTask Task, IReadOnlyList<TaskMetric> Metrics, IReadOnlyList<TaskSample> Samples);

/// <summary>Figures of several tasks together, as mmlu has them.</summary>
/// <param name="Members">Names of its groups, or of its tasks where it has no groups.</param>
public sealed record GroupResult(string Name, IReadOnlyList<string> Members, IReadOnlyList<TaskMetric> Metrics, int Documents);

/// <summary>What a run over tasks found.</summary>
/// <param name="Seconds">Of scoring; not of reading the model.</param>
public sealed record TaskReport(IReadOnlyList<TaskResult> Tasks, IReadOnlyList<GroupResult> Groups, double Seconds)
{
    /// <summary>The class by whose rules texts were cut; null when those of tokenizer.json counted.</summary>
    public string? TokenizerClass { get; init; }
}

/// <summary>How far a run over tasks is.</summary>
/// <param name="Task">The task at work.</param>
/// <param name="Done">Its documents done.</param>
/// <param name="Total">Its documents in all.</param>
/// <param name="Fraction">Of the whole run, by characters read.</param>
public readonly record struct TaskProgress(string Task, int Done, int Total, double Fraction);
