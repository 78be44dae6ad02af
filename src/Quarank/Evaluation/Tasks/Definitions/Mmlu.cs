using Quarank.Evaluation.Tasks.Data;

namespace Quarank.Evaluation.Tasks.Definitions;

/// <summary>
/// Exams of 57 subjects, four answers each, the letter is scored (Hendrycks et al. 2021, arXiv:2009.03300); examples are the first of the dev split.
/// </summary>
internal static class Mmlu
{
    private static readonly string[] Letters = ["A", "B", "C", "D"];

    private static readonly (string Group, string Subjects)[] Groups =
    [
        ("stem",
            "abstract_algebra anatomy astronomy college_biology college_chemistry college_computer_science college_mathematics college_physics "
            + "computer_security conceptual_physics electrical_engineering elementary_mathematics high_school_biology high_school_chemistry "
            + "high_school_computer_science high_school_mathematics high_school_physics high_school_statistics machine_learning"),
        ("other",
            "business_ethics clinical_knowledge college_medicine global_facts human_aging management marketing medical_genetics miscellaneous "
            + "nutrition professional_accounting professional_medicine virology"),
        ("social_sciences",
            "econometrics high_school_geography high_school_government_and_politics high_school_macroeconomics high_school_microeconomics "
            + "high_school_psychology human_sexuality professional_psychology public_relations security_studies sociology us_foreign_policy"),
        ("humanities",
            "formal_logic high_school_european_history high_school_us_history high_school_world_history international_law jurisprudence "
            + "logical_fallacies moral_disputes moral_scenarios philosophy prehistory professional_law world_religions"),
    ];

    public static IReadOnlyList<TaskDefinition> Subjects { get; } =
        [.. Groups.SelectMany(g => g.Subjects.Split(' ').Select(subject => Of(subject, $"mmlu_{g.Group}")))];

    private static TaskDefinition Of(string subject, string group) => new()
    {
        Name = $"mmlu_{subject}",
        Version = 1,
        Kind = TaskKind.MultipleChoice,
        Data = new("cais/mmlu", subject, "question, choices, answer, and subject where several lie in one file", $"mmlu/{subject}", "mmlu/all", "mmlu")
        {
            Subject = subject,
        },
        Split = "test",
        ExampleSplit = "dev",
        FirstExamples = true,
        Metrics = ["acc"],
        Description = $"The following are multiple choice questions (with answers) about {subject.Replace('_', ' ')}.\n\n",
        Groups = [group, "mmlu"],
        Read = Read,
    };

    private static Question Read(Document d)
    {
        var choices = d.Texts("choices");
        if (choices.Count != Letters.Length) throw new InvalidDataException($"{d.Origin}: {choices.Count} choices, expected {Letters.Length}.");
        var lines = Letters.Zip(choices, (letter, choice) => $"{letter}. {choice}\n");
        return Question.Choose($"{d.Text("question").Trim()}\n{string.Concat(lines)}Answer:", Letters, d.Index(Letters.Length, 0, "answer"));
    }
}
