namespace Quarank.Evaluation.Tasks.Definitions;

/// <summary>Elementary science, four answers, the open book closed (Mihaylov et al. 2018, arXiv:1809.02789).</summary>
internal static class OpenBookQa
{
    public static TaskDefinition Task { get; } = new()
    {
        Name = "openbookqa",
        Version = 1,
        Kind = TaskKind.MultipleChoice,
        Data = new("openbookqa", "main", "question_stem, choices {text, label}, answerKey", "openbookqa/main", "openbookqa"),
        Split = "test",
        ExampleSplit = "train",
        Metrics = ["acc", "acc_norm"],
        Read = d =>
        {
            var (choices, gold) = d.LabelledChoices();
            return Question.Choose(d.Text("question_stem"), choices, gold);
        },
    };
}
