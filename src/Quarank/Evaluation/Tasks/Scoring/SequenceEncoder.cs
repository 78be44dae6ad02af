using Quarank.Models;
using Quarank.Tokenizers;

namespace Quarank.Evaluation.Tasks.Scoring;

/// <summary>
/// Texts to tokens as the harness does it: context and continuation are encoded as one text and of its tokens as many as the
/// context has alone are replaced by those, so that what follows is cut as it would be in a text. Spaces at the end of the context go to the
/// continuation first. Special tokens that the tokenizer puts before a text stand before the context.
/// </summary>
internal sealed class SequenceEncoder(Tokenizer tokenizer, ModelSpec spec)
{
    private string? _context;
    private int[] _contextIds = [];

    /// <summary>A continuation after its context; too long ones lose tokens at the front.</summary>
    /// <exception cref="InvalidDataException">The continuation has no tokens, or more than the model's context.</exception>
    public ScoredSequence Pair(TextPair pair, string origin)
    {
        string context = pair.Context.TrimEnd(), continuation = pair.Context[context.Length..] + pair.Continuation;
        int[] before, scored;
        if (context.Length == 0)
        {
            (before, scored) = ([Prefix()], tokenizer.Encode(continuation, addSpecialTokens: false));
        }
        else
        {
            if (context != _context) (_context, _contextIds) = (context, tokenizer.EncodeFromStart(context));
            before = _contextIds;
            scored = [.. tokenizer.EncodeFromStart(context + continuation).Skip(before.Length)];
        }
        if (scored.Length == 0 || scored.Length > spec.ContextLength)
            throw new InvalidDataException($"{origin}: a continuation of {scored.Length} tokens; it must have from 1 to the model's {spec.ContextLength}.");
        int[] all = [.. before, .. scored];
        return new(all[Math.Max(0, all.Length - spec.ContextLength - 1)..], scored.Length);
    }

    /// <summary>
    /// A whole text in windows of the model's context: each token is scored once, the first after the token that begins texts; the
    /// last window is filled up with what came before.
    /// </summary>
    /// <param name="length">Tokens that the model reads at once.</param>
    public IReadOnlyList<ScoredSequence> Windows(string text, int length)
    {
        int[] ids = [Prefix(), .. tokenizer.Encode(text, addSpecialTokens: false)];
        var windows = new List<ScoredSequence>();
        for (int done = 1; done < ids.Length;)
        {
            int end = Math.Min(done + length, ids.Length), start = Math.Max(0, end - length - 1);
            // The harness gives a full window only the one token before it, and the last, shorter one all that fit.
            windows.Add(new(ids[start..end], end - done));
            done = end;
        }
        return windows;
    }

    private int Prefix() => tokenizer.BeginningOfText ?? spec.BeginningOfText ?? tokenizer.EndOfText ?? (spec.EndOfText.Count > 0 ? spec.EndOfText[0]
        : throw new NotSupportedException("Scoring a text from its first token needs a token that begins or ends texts; tokenizer and config name none."));
}
