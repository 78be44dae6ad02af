using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Quarank.Models;
using Quarank.Pipeline;
using Quarank.Tokenizers;

namespace Quarank.Studies;

/// <summary>A text of a comparison as the model's tokens; only those that are evaluated.</summary>
/// <param name="Hash">SHA-256 of the tokens.</param>
internal sealed record MeasuredText(string Name, int[] Ids, int Length, int Segments, string Hash)
{
    private const int UsualLength = 2048;

    /// <exception cref="InvalidDataException">It is too short, or segments do not fit the model.</exception>
    public static MeasuredText Of(NamedText text, Tokenizer tokenizer, ModelSpec spec, ComparisonRequest request)
    {
        int[] ids = tokenizer.Encode(text.Text);
        int length = request.Length ?? Math.Min(UsualLength, spec.ContextLength);
        if (length < 2 || length > spec.ContextLength)
            throw new InvalidDataException(FormattableString.Invariant(
                $"{request.ModelFolder}: segments of {length:N0} tokens do not fit the {spec.ContextLength:N0} positions of this model; give another length."));
        int segments = Math.Min(ids.Length / length, request.Segments ?? int.MaxValue);
        if (segments < 1)
            throw new InvalidDataException(FormattableString.Invariant(
                $"{text.Name}: too short: it has {ids.Length:N0} tokens, a segment needs {length:N0}; give a longer text, or shorter segments."));
        ids = ids[..(segments * length)];
        return new(text.Name, ids, length, segments, Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<int>(ids))));
    }
}
