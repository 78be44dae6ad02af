using System.Text;
using System.Text.RegularExpressions;
using Quarank.Evaluation.Tasks.Scoring;

namespace Quarank.Evaluation.Tasks;

/// <summary>Figures from scores, as the harness reckons them.</summary>
internal static partial class TaskMetrics
{
    /// <summary>The values of one document, one for each metric of the task.</summary>
    public static double[] OfDocument(TaskDefinition task, Question question, IReadOnlyList<Score> scores) => [.. task.Metrics.Select(name => name switch
    {
        "acc" when task.Kind == TaskKind.Continuation => scores[0].IsGreedy ? 1.0 : 0,
        "acc" => Best(scores.Select(s => s.LogLikelihood)) == question.Gold ? 1 : 0,
        // By characters as Python counts them: whole code points.
        "acc_norm" => Best(scores.Zip(question.Choices, (s, c) => s.LogLikelihood / Length(c))) == question.Gold ? 1 : 0,
        _ => scores.Sum(s => s.LogLikelihood),
    })];

    /// <summary>The figures of a task.</summary>
    public static IReadOnlyList<TaskMetric> OfTask(TaskDefinition task, IReadOnlyList<TaskSample> samples) =>
        [.. task.Metrics.Select((name, i) => OfValues(name, [.. samples.Select(s => s.Values[i])], samples))];

    /// <summary>Means weighted by size; errors pooled: √( Σ (n − 1) · n · e² / (N − groups) / N ).</summary>
    public static IReadOnlyList<TaskMetric> OfGroup(IReadOnlyList<TaskResult> members)
    {
        double total = members.Sum(m => m.Samples.Count);
        return [.. members[0].Metrics.Select((first, i) =>
        {
            var parts = members.Select(m => (Metric: m.Metrics[i], Count: (double)m.Samples.Count)).ToList();
            double variance = parts.Sum(p => (p.Count - 1) * p.Count * (p.Metric.Error ?? 0) * (p.Metric.Error ?? 0)) / (total - parts.Count);
            return new TaskMetric(first.Name, parts.Sum(p => p.Metric.Value * p.Count) / total,
                parts.All(p => p.Metric.Error is not null) ? Math.Sqrt(variance / total) : null);
        })];
    }

    private static TaskMetric OfValues(string name, double[] values, IReadOnlyList<TaskSample> samples)
    {
        double sum = values.Sum(), mean = sum / values.Length;
        return name switch
        {
            "perplexity" => new(name, Math.Exp(-mean), Bootstrap.ErrorOfPerplexity(values)),
            "word_perplexity" => new(name, Math.Exp(-sum / samples.Sum(s => Words(s.Question.Choices[0]))), null),
            "byte_perplexity" => new(name, Math.Exp(-sum / samples.Sum(s => Bytes(s.Question.Choices[0]))), null),
            "bits_per_byte" => new(name, -sum / samples.Sum(s => Bytes(s.Question.Choices[0])) / Math.Log(2), null),
            _ => new(name, mean, ErrorOfMean(values, mean)),
        };
    }

    /// <summary>Standard deviation with n − 1, by √n.</summary>
    private static double? ErrorOfMean(double[] values, double mean) => values.Length < 2 ? null
        : Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1)) / Math.Sqrt(values.Length);

    /// <summary>The index of the greatest, of equals the first.</summary>
    private static int Best(IEnumerable<double> values) => values.Index().Aggregate((a, b) => b.Item > a.Item ? b : a).Index;

    private static int Length(string text) => text.EnumerateRunes().Count();

    private static long Words(string text) => Spaces().Count(text) + 1;

    private static long Bytes(string text) => Encoding.UTF8.GetByteCount(text);

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
