namespace Quarank.Evaluation.Tasks.Definitions;

/// <summary>Yes or no to a question about a passage (Clark et al. 2019, arXiv:1905.10044), in SuperGLUE's form.</summary>
internal static class BoolQ
{
    private static readonly string[] Answers = ["no", "yes"];

    public static TaskDefinition Task { get; } = new()
    {
        Name = "boolq",
        Version = 2,
        Kind = TaskKind.MultipleChoice,
        Data = new("super_glue", "boolq", "question, passage, label or answer", "super_glue/boolq", "boolq", "boolq/boolq"),
        Split = "validation",
        ExampleSplit = "train",
        Metrics = ["acc"],
        Read = d => Question.Choose($"{d.Text("passage")}\nQuestion: {d.Text("question")}?\nAnswer:", Answers, d.Index(2, 0, "label", "answer")),
    };
}
