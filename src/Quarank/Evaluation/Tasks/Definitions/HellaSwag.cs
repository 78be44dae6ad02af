using System.Text.RegularExpressions;
using Quarank.Evaluation.Tasks.Data;

namespace Quarank.Evaluation.Tasks.Definitions;

/// <summary>How a scene goes on, four endings (Zellers et al. 2019, arXiv:1905.07830).</summary>
internal static partial class HellaSwag
{
    public static TaskDefinition Task { get; } = new()
    {
        Name = "hellaswag",
        Version = 1,
        Kind = TaskKind.MultipleChoice,
        Data = new("Rowan/hellaswag", null, "activity_label, ctx_a, ctx_b, endings, label; or query, endings, label", "hellaswag", "hellaswag/hellaswag"),
        Split = "validation",
        ExampleSplit = "train",
        Metrics = ["acc", "acc_norm"],
        Read = Read,
    };

    // A row with "query" went through Clean before it was written.
    private static Question Read(Document d)
    {
        var endings = d.Texts("endings");
        return d.Has("query")
            ? Question.Choose(d.Text("query"), endings, d.Index(endings.Count, 0, "label"))
            : Question.Choose(Clean($"{d.Text("activity_label")}: {d.Text("ctx_a")} {Capitalize(d.Text("ctx_b"))}"),
                [.. endings.Select(Clean)], d.Index(endings.Count, 0, "label"));
    }

    /// <summary>Takes out the marks of WikiHow: [title], [step], [header].</summary>
    internal static string Clean(string text) => Brackets().Replace(text.Trim().Replace(" [title]", ". ", StringComparison.Ordinal), "")
        .Replace("  ", " ", StringComparison.Ordinal);

    /// <summary>The first character large, all others small.</summary>
    internal static string Capitalize(string text) =>
        text.Length == 0 ? text : text[..1].ToUpperInvariant() + text[1..].ToLowerInvariant();

    [GeneratedRegex(@"\[.*?\]")]
    private static partial Regex Brackets();
}
