namespace Quarank.Models;

/// <summary>Goes on with a text, token by token.</summary>
public static class Generator
{
    /// <summary>
    /// The tokens that follow <paramref name="prompt"/>, as they come: at most <paramref name="tokens"/>, none beyond the
    /// model's context, and none from a token that ends a text on (that token is not given out).
    /// </summary>
    /// <param name="stopAtEnd">False goes on after a token that ends a text, and gives it out.</param>
    /// <exception cref="ArgumentException">The prompt is empty, leaves no room in the context, or has an id out of the vocabulary.</exception>
    public static IEnumerable<int> Generate(Model model, ReadOnlySpan<int> prompt, int tokens, Sampler sampler, bool stopAtEnd = true) =>
        Generate(model.NewSession(), model.Spec, prompt, tokens, sampler, stopAtEnd);

    /// <summary>As <see cref="Generate(Model, ReadOnlySpan{int}, int, Sampler, bool)"/>, in a session that has read nothing yet.</summary>
    public static IEnumerable<int> Generate(
        Session session, ModelSpec spec, ReadOnlySpan<int> prompt, int tokens, Sampler sampler, bool stopAtEnd = true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        if (prompt.IsEmpty) throw new ArgumentException("The prompt has no tokens; give some text.", nameof(prompt));
        if (prompt.Length >= spec.ContextLength)
        {
            throw new ArgumentException(
                $"The prompt has {prompt.Length} tokens; the model's context of {spec.ContextLength} leaves no room for more.", nameof(prompt));
        }
        return Run(session, prompt.ToArray(), Math.Min(tokens, spec.ContextLength - prompt.Length), sampler, stopAtEnd ? spec.EndOfText : []);
    }

    private static IEnumerable<int> Run(Session session, int[] prompt, int tokens, Sampler sampler, IReadOnlyList<int> ends)
    {
        if (tokens == 0) yield break;
        int next = sampler.Next(session.Append(prompt));
        for (int i = 1; !ends.Contains(next); i++)
        {
            yield return next;
            if (i == tokens) yield break;
            next = sampler.Next(session.Step(next));
        }
    }
}
