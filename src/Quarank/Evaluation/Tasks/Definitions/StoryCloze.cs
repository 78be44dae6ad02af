using Quarank.Evaluation.Tasks.Data;

namespace Quarank.Evaluation.Tasks.Definitions;

/// <summary>
/// The right ending of a story of four sentences (Mostafazadeh et al. 2016, arXiv:1604.01696). Of 2018 only the validation split has answers; it is
/// what GPTQ's zero-shot folder takes.
/// </summary>
internal static class StoryCloze
{
    public static TaskDefinition Of2016 { get; } = Of("storycloze_2016", "2016", "test");

    public static TaskDefinition Of2018 { get; } = Of("storycloze_2018", "2018", "validation");

    private static TaskDefinition Of(string name, string year, string split) => new()
    {
        Name = name,
        Version = 1,
        Kind = TaskKind.MultipleChoice,
        Data = new("story_cloze", year, "input_sentence_1 ... 4, sentence_quiz1, sentence_quiz2, answer_right_ending", $"story_cloze/{year}", $"storycloze/{year}", name),
        Split = split,
        ExampleSplit = "validation",
        Metrics = ["acc"],
        Read = Read,
    };

    // The second names are those of the authors' CSV.
    private static Question Read(Document d)
    {
        var sentences = Enumerable.Range(1, 4).Select(i => d.Text($"input_sentence_{i}", $"InputSentence{i}"));
        string[] endings = [d.Text("sentence_quiz1", "RandomFifthSentenceQuiz1"), d.Text("sentence_quiz2", "RandomFifthSentenceQuiz2")];
        return Question.Choose(string.Join(' ', sentences), endings, d.Index(2, 1, "answer_right_ending", "AnswerRightEnding"));
    }
}
