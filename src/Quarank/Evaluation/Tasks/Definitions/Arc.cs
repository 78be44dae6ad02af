namespace Quarank.Evaluation.Tasks.Definitions;

/// <summary>Science questions of schools, 3 to 5 answers (Clark et al. 2018, arXiv:1803.05457).</summary>
internal static class Arc
{
    public static TaskDefinition Easy { get; } = Of("arc_easy", "ARC-Easy");

    public static TaskDefinition Challenge { get; } = Of("arc_challenge", "ARC-Challenge");

    private static TaskDefinition Of(string name, string configuration) => new()
    {
        Name = name,
        Version = 1,
        Kind = TaskKind.MultipleChoice,
        Data = new("allenai/ai2_arc", configuration, "question, choices {text, label}, answerKey", $"ai2_arc/{configuration}", $"arc/{name}", name, configuration),
        Split = "test",
        ExampleSplit = "train",
        Metrics = ["acc", "acc_norm"],
        Read = d =>
        {
            var (choices, gold) = d.LabelledChoices();
            return Question.Choose($"Question: {d.Text("question")}\nAnswer:", choices, gold);
        },
    };
}
