using System.Text.Json.Nodes;
using Quarank.Checkpoints;
using Quarank.Cli.Console;
using Quarank.Evaluation.Tasks;
using Quarank.Pipeline;
using Quarank.Tokenizers;

namespace Quarank.Cli.Commands;

/// <summary>A model asked the questions of tasks, on the terminal.</summary>
internal static class TaskEvaluation
{
    private static readonly Column[] Columns =
        [new("task"), new("version", true), new("shots", true), new("documents", true), new("metric"), new("value", true), new("±", true)];

    /// <summary>Asks a model, showing how far it is.</summary>
    public static TaskReport Run(Terminal terminal, LoadedModel loaded, IReadOnlyList<PreparedTask> tasks)
    {
        var (tokenizer, model) = (loaded.Tokenizer, loaded.Model);
        using var view = new ProgressView(terminal, "evaluate");
        view.Report(0, "");
        return TaskRun.Execute(model, tokenizer, tasks, new Immediate<TaskProgress>(p =>
        {
            terminal.Stop.ThrowIfCancellationRequested();
            view.Report(p.Fraction, Units.Invariant($"{p.Task}: document {p.Done:N0} of {p.Total:N0}"));
        }));
    }

    /// <summary>The harness's JSON; see <see cref="HarnessJson"/>.</summary>
    public static JsonObject Json(TaskReport report, Checkpoint checkpoint, bool withSamples, DateTimeOffset began) =>
        HarnessJson.Of(report, checkpoint.Path, ModelSummary.Of(checkpoint).Parameters, withSamples, began);

    public static void WriteTable(Terminal terminal, TaskReport report)
    {
        var groups = report.Groups.Reverse().SelectMany(g => Rows(g.Name, g.Metrics, "", "", g.Documents));
        var tasks = report.Tasks.SelectMany(t => Rows(
            t.Task.Definition.Name, t.Metrics, Units.Invariant($"{t.Task.Definition.Version:0.0}"), Units.Count(t.Task.FewShot), t.Samples.Count));
        Tables.Write(terminal, Columns, groups.Concat(tasks));
        terminal.Out.WriteLine(Units.Invariant($"{report.Tasks.Sum(t => t.Samples.Count):N0} documents in {Units.Duration(report.Seconds)}{(report.TokenizerClass is { } rules ? $"; tokenizer: rules of the class {rules}" : "")}"));
    }

    private static IEnumerable<IReadOnlyList<string>> Rows(string name, IReadOnlyList<TaskMetric> metrics, string version, string shots, int documents)
    {
        foreach (var metric in metrics)
        {
            string error = metric.Error is { } e ? Figure(e) : "";
            yield return metric == metrics[0]
                ? [name, version, shots, Units.Count(documents), metric.Name, Figure(metric.Value), error]
                : ["", "", "", "", metric.Name, Figure(metric.Value), error];
        }
    }

    private static string Figure(double value) => value < 10 ? Units.Invariant($"{value:0.0000}") : Units.Perplexity(value);
}
