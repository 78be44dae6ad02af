using Quarank.Evaluation.Tasks.Data;

namespace Quarank.Evaluation.Tasks.Definitions;

/// <summary>
/// The last word of a passage (Paperno et al. 2016, arXiv:1606.06031), OpenAI's text: right when each token of it is the likeliest; perplexity
/// of the words.
/// </summary>
internal static class Lambada
{
    public static TaskDefinition Task { get; } = new()
    {
        Name = "lambada_openai",
        Version = 1,
        Kind = TaskKind.Continuation,
        Data = new("EleutherAI/lambada_openai", "default", "text", "lambada_openai", "lambada_openai/default", "lambada"),
        Split = "test",
        ExampleSplit = "test",   // it has no other
        Metrics = ["perplexity", "acc"],
        Read = Read,
    };

    private static Question Read(Document d)
    {
        string text = d.Text("text");
        int space = text.LastIndexOf(' ');
        return Question.Continue(text[..Math.Max(0, space)], text[(space + 1)..]);
    }
}
