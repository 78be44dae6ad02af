using Quarank.Evaluation.Tasks.Definitions;

namespace Quarank.Evaluation.Tasks;

/// <summary>All tasks by name.</summary>
public static class TaskTable
{
    private static readonly IReadOnlyList<TaskDefinition> Single =
    [
        Piqa.Task, Arc.Easy, Arc.Challenge, BoolQ.Task, HellaSwag.Task, WinoGrande.Task, OpenBookQa.Task, Lambada.Task, StoryCloze.Of2016,
        StoryCloze.Of2018, WikiText.Task,
    ];

    /// <summary>Every task; of a group, its members.</summary>
    public static IReadOnlyList<TaskDefinition> All { get; } = [.. Single, .. Mmlu.Subjects];

    /// <summary>Names to choose from; the subjects of a group are not listed.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. Single.Select(t => t.Name), "storycloze", .. Mmlu.Subjects.SelectMany(t => t.Groups).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>The task of a name or the tasks of a group; "storycloze" is that of 2016.</summary>
    /// <exception cref="NotSupportedException">There is none; the message lists what there is.</exception>
    public static IReadOnlyList<TaskDefinition> Find(string name)
    {
        string wanted = name == "storycloze" ? StoryCloze.Of2016.Name : name;
        TaskDefinition[] found = [.. All.Where(t => t.Name == wanted || t.Groups.Contains(wanted))];
        return found.Length > 0 ? found
            : throw new NotSupportedException($"There is no task '{name}'; known are {string.Join(", ", Names)}, and the subjects of mmlu as mmlu_anatomy.");
    }

    /// <summary>The tasks of several names, each once.</summary>
    public static IReadOnlyList<TaskDefinition> Find(IEnumerable<string> names) => [.. names.SelectMany(Find).Distinct()];
}
