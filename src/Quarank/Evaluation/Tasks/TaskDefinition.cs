using Quarank.Evaluation.Tasks.Data;

namespace Quarank.Evaluation.Tasks;

/// <summary>How a task asks, in the words of the harness.</summary>
public enum TaskKind
{
    /// <summary><c>multiple_choice</c>: which of several answers is likeliest.</summary>
    MultipleChoice,

    /// <summary><c>loglikelihood</c>: how likely one continuation is.</summary>
    Continuation,

    /// <summary><c>loglikelihood_rolling</c>: how likely a whole text is.</summary>
    WholeText,
}

/// <summary>
/// A task of EleutherAI's lm-evaluation-harness: where its documents lie, what is asked of each, what is reported. A task is a
/// file of <c>Definitions/</c> and a line of <see cref="TaskTable"/>.
/// </summary>
public sealed record TaskDefinition
{
    /// <summary>The harness's name.</summary>
    public required string Name { get; init; }

    /// <summary>The version of the rules, as the harness counts them.</summary>
    public required double Version { get; init; }

    public required TaskKind Kind { get; init; }

    public required DataLayout Data { get; init; }

    /// <summary>The split whose documents are asked.</summary>
    public required string Split { get; init; }

    /// <summary>The split that examples come from; null: the task takes none.</summary>
    public required string? ExampleSplit { get; init; }

    /// <summary>Names of what is reported: acc, acc_norm, perplexity, ...</summary>
    public required IReadOnlyList<string> Metrics { get; init; }

    /// <summary>What a document asks.</summary>
    public required Func<Document, Question> Read { get; init; }

    /// <summary>Stands before examples and question.</summary>
    public string Description { get; init; } = "";

    /// <summary>Examples are the first of their split, not drawn.</summary>
    public bool FirstExamples { get; init; }

    /// <summary>The group that reports this task with others, and the groups that one belongs to.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>
    /// The harness draws one example more than it needs where it sees examples and questions come from one split. A split that its
    /// task does not name counts as equal to another, so all tasks whose questions are a validation split draw one more.
    /// </summary>
    internal bool DrawsOneMore(string exampleSplit) => Split != "test" || (exampleSplit == Split && exampleSplit != ExampleSplit);
}
