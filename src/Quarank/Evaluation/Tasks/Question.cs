namespace Quarank.Evaluation.Tasks;

/// <summary>A text and what may follow it; a continuation begins with the space that parts them.</summary>
public readonly record struct TextPair(string Context, string Continuation);

/// <summary>What a document asks: pairs to score, and which of them is right.</summary>
public sealed record Question
{
    /// <summary>One for each choice.</summary>
    public required IReadOnlyList<TextPair> Pairs { get; init; }

    /// <summary>The choices as they count for acc_norm (characters, without the space before); of a whole text, the text before clean-up.</summary>
    public required IReadOnlyList<string> Choices { get; init; }

    /// <summary>The index of the right choice.</summary>
    public int Gold { get; init; }

    /// <summary>Question and answer, as an example for other questions.</summary>
    public string Solved { get; init; } = "";

    /// <summary>One text, several answers after it.</summary>
    public static Question Choose(string context, IReadOnlyList<string> choices, int gold) => new()
    {
        Pairs = [.. choices.Select(c => new TextPair(context, " " + c))],
        Choices = choices,
        Gold = gold,
        Solved = $"{context} {choices[gold]}",
    };

    /// <summary>Several texts, one ending after each (WinoGrande's partial scoring).</summary>
    public static Question Complete(IReadOnlyList<string> contexts, string ending, int gold) => new()
    {
        Pairs = [.. contexts.Select(c => new TextPair(c, " " + ending))],
        Choices = contexts,
        Gold = gold,
        Solved = $"{contexts[gold]} {ending}",
    };

    /// <summary>One text, one word after it.</summary>
    public static Question Continue(string context, string word) => new()
    {
        Pairs = [new(context, " " + word)],
        Choices = [word],
        Solved = $"{context} {word}",
    };

    /// <summary>A whole text.</summary>
    /// <param name="text">As the model reads it.</param>
    /// <param name="source">As its words and bytes are counted.</param>
    public static Question Whole(string text, string source) => new() { Pairs = [new("", text)], Choices = [source] };

    /// <summary>The same after a text that comes before it; pairs with one context share its text.</summary>
    public Question After(string beginning)
    {
        if (beginning.Length == 0) return this;
        var contexts = Pairs.Select(p => p.Context).Distinct().ToDictionary(c => c, c => beginning + c);
        return this with { Pairs = [.. Pairs.Select(p => p with { Context = contexts[p.Context] })] };
    }
}
