using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Quarank.Evaluation.Tasks.Scoring;

namespace Quarank.Evaluation.Tasks;

/// <summary>
/// A report in the schema of lm-evaluation-harness's results (<c>results</c>, <c>groups</c>, <c>configs</c>, <c>versions</c>, <c>n-shot</c>, …), for scripts
/// written for those. Left out is what describes another program (git_hash, torch's seeds, doc_hash of Python's text of a row).
/// </summary>
public static class HarnessJson
{
    private const string Filter = "none";   // the harness's name for answers taken as they are

    /// <param name="model">The model's folder.</param>
    /// <param name="parameters">Of the model.</param>
    /// <param name="withSamples">Also every document with its log-likelihoods.</param>
    /// <param name="time">When the run began.</param>
    public static JsonObject Of(TaskReport report, string model, long parameters, bool withSamples, DateTimeOffset time)
    {
        var settings = report.Tasks[0].Task.Settings;
        var json = new JsonObject { ["results"] = Results(report) };
        if (report.Groups.Count > 0) json["groups"] = Named(report.Groups, g => g.Name, g => Figures(g.Name, g.Metrics));
        json["group_subtasks"] = Subtasks(report);
        json["configs"] = OfTasks(report, Configuration);
        json["versions"] = OfTasks(report, t => t.Task.Definition.Version);
        json["n-shot"] = OfTasks(report, t => t.Task.FewShot);
        json["higher_is_better"] = OfTasks(report, t => Named(t.Metrics, m => m.Name, m => m.HigherIsBetter));
        json["n-samples"] = OfTasks(report, t => new JsonObject { ["original"] = t.Task.DocumentCount, ["effective"] = t.Samples.Count });
        if (withSamples) json["samples"] = OfTasks(report, t => new JsonArray([.. t.Samples.Select((s, i) => Sample(t, s, i))]));
        json["config"] = new JsonObject
        {
            ["model"] = "quarank",
            ["model_args"] = $"pretrained={model}",
            ["model_num_parameters"] = parameters,
            ["device"] = "cpu",
            ["limit"] = settings.Limit,
            ["bootstrap_iters"] = Bootstrap.Samples,
            ["fewshot_seed"] = settings.FewShotSeed,
        };
        if (report.TokenizerClass is { } rules) json["config"]!["tokenizer_class"] = rules;
        json["date"] = time.ToUnixTimeMilliseconds() / 1000.0;
        json["model_source"] = "quarank";
        json["model_name"] = model;
        json["total_evaluation_time_seconds"] = report.Seconds.ToString("R", CultureInfo.InvariantCulture);
        return json;
    }

    private static JsonObject Results(TaskReport report)
    {
        var results = Named(report.Groups, g => g.Name, g => Figures(g.Name, g.Metrics));
        foreach (var task in report.Tasks) results[task.Task.Definition.Name] = Figures(task.Task.Definition.Name, task.Metrics);
        return results;
    }

    private static JsonObject Subtasks(TaskReport report)
    {
        var subtasks = Named(report.Groups, g => g.Name, g => new JsonArray([.. g.Members.Select(m => (JsonNode)m)]));
        foreach (var task in report.Tasks.Where(t => t.Task.Definition.Groups.Count == 0)) subtasks[task.Task.Definition.Name] = new JsonArray();
        return subtasks;
    }

    private static JsonObject Figures(string name, IReadOnlyList<TaskMetric> metrics)
    {
        var figures = new JsonObject { ["alias"] = name };
        foreach (var metric in metrics)
        {
            figures[$"{metric.Name},{Filter}"] = Number(metric.Value);
            figures[$"{metric.Name}_stderr,{Filter}"] = metric.Error is { } error ? Number(error) : "N/A";
        }
        return figures;
    }

    // A broken model's perplexity may be infinite, which JSON cannot say; Python writes the word.
    private static JsonNode Number(double value) => double.IsFinite(value) ? value : value.ToString(CultureInfo.InvariantCulture);

    private static JsonObject Configuration(TaskResult result)
    {
        var task = result.Task.Definition;
        return new JsonObject
        {
            ["task"] = task.Name,
            ["dataset_path"] = task.Data.Dataset,
            ["dataset_name"] = task.Data.Configuration,
            ["dataset_kwargs"] = new JsonObject { ["data_files"] = new JsonArray([.. result.Task.Files.Select(f => (JsonNode)f)]) },
            [task.Split == "test" ? "test_split" : "validation_split"] = task.Split,
            ["fewshot_split"] = result.Task.FewShot == 0 ? null : result.Task.Settings.FewShotSplit ?? task.ExampleSplit,
            ["description"] = task.Description,
            ["target_delimiter"] = " ",
            ["fewshot_delimiter"] = "\n\n",
            ["num_fewshot"] = result.Task.FewShot,
            ["metric_list"] = new JsonArray([.. result.Metrics.Select(m => new JsonObject
            {
                ["metric"] = m.Name,
                ["aggregation"] = m.Aggregation,
                ["higher_is_better"] = m.HigherIsBetter,
            })]),
            ["output_type"] = Kind(task.Kind),
            ["repeats"] = 1,
            ["metadata"] = new JsonObject { ["version"] = task.Version },
        };
    }

    private static string Kind(TaskKind kind) => kind switch
    {
        TaskKind.MultipleChoice => "multiple_choice",
        TaskKind.Continuation => "loglikelihood",
        _ => "loglikelihood_rolling",
    };

    private static JsonObject Sample(TaskResult result, TaskSample sample, int id)
    {
        var (task, question) = (result.Task.Definition, sample.Question);
        bool chooses = task.Kind == TaskKind.MultipleChoice;
        string target = chooses ? question.Gold.ToString(CultureInfo.InvariantCulture) : question.Pairs[0].Continuation;
        var json = new JsonObject
        {
            ["doc_id"] = id,
            ["doc"] = JsonNode.Parse(sample.Document.Fields.GetRawText()),
            ["target"] = chooses ? question.Gold : target,
            ["arguments"] = new JsonArray([.. question.Pairs.Select(p =>
                task.Kind == TaskKind.WholeText ? new JsonArray(p.Continuation) : new JsonArray(p.Context, p.Continuation))]),
            ["resps"] = new JsonArray([.. sample.Scores.Select(s => new JsonArray(Response(s, task.Kind)))]),
            ["filtered_resps"] = new JsonArray([.. sample.Scores.Select(s => Response(s, task.Kind))]),
            ["filter"] = Filter,
            ["metrics"] = new JsonArray([.. task.Metrics.Select(m => (JsonNode)m)]),
            ["prompt_hash"] = Hash(task.Kind == TaskKind.WholeText ? question.Pairs[0].Continuation : question.Pairs[0].Context),
            ["target_hash"] = Hash(target),
        };
        for (int i = 0; i < task.Metrics.Count; i++) json[task.Metrics[i]] = Number(sample.Values[i]);
        return json;
    }

    private static JsonNode Response(Score score, TaskKind kind) =>
        kind == TaskKind.WholeText ? Number(score.LogLikelihood) : new JsonArray(Number(score.LogLikelihood), score.IsGreedy);

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static JsonObject OfTasks(TaskReport report, Func<TaskResult, JsonNode> value) => Named(report.Tasks, t => t.Task.Definition.Name, value);

    private static JsonObject Named<T>(IEnumerable<T> items, Func<T, string> name, Func<T, JsonNode> value) =>
        new(items.Select(i => KeyValuePair.Create(name(i), (JsonNode?)value(i))));
}
