namespace Quarank.Evaluation.Tasks.Definitions;

/// <summary>Physical common sense, two solutions of a goal (Bisk et al. 2020, arXiv:1911.11641).</summary>
internal static class Piqa
{
    public static TaskDefinition Task { get; } = new()
    {
        Name = "piqa",
        Version = 1,
        Kind = TaskKind.MultipleChoice,
        Data = new("baber/piqa", null, "goal, sol1, sol2, label", "piqa", "piqa/plain_text"),
        Split = "validation",
        ExampleSplit = "train",
        Metrics = ["acc", "acc_norm"],
        Read = d => Question.Choose($"Question: {d.Text("goal")}\nAnswer:", [d.Text("sol1"), d.Text("sol2")], d.Index(2, 0, "label")),
    };
}
