using Quarank.Evaluation.Tasks.Data;

namespace Quarank.Evaluation.Tasks.Definitions;

/// <summary>
/// Whom a sentence means (Sakaguchi et al. 2019, arXiv:1907.10641). Scored partially (Trinh and Le 2018): the option stands where the gap was,
/// and what comes after the gap is scored.
/// </summary>
internal static class WinoGrande
{
    public static TaskDefinition Task { get; } = new()
    {
        Name = "winogrande",
        Version = 1,
        Kind = TaskKind.MultipleChoice,
        Data = new("winogrande", "winogrande_xl", "sentence, option1, option2, answer", "winogrande/winogrande_xl", "winogrande_xl", "winogrande", "winogrande_1.1"),
        Split = "validation",
        ExampleSplit = "train",
        Metrics = ["acc"],
        Read = Read,
    };

    private static Question Read(Document d)
    {
        string sentence = d.Text("sentence");
        int gap = sentence.IndexOf('_', StringComparison.Ordinal);
        if (gap < 0) throw new InvalidDataException($"{d.Origin}: the sentence has no gap _.");
        string before = sentence[..gap];
        return Question.Complete([before + d.Text("option1"), before + d.Text("option2")], sentence[(gap + 1)..].Trim(), d.Index(2, 1, "answer"));
    }
}
