namespace Quarank.Models;

/// <summary>Tokens at the positions Start … Start + Count − 1 of a sequence, whose earlier positions were read before.</summary>
public readonly record struct SequencePart(int Start, int Count)
{
    /// <summary>One past the last position.</summary>
    public int End => Start + Count;

    /// <exception cref="ArgumentException">A part is empty, starts beyond the end of the one before it, or they are not <paramref name="tokens"/> in all.</exception>
    internal static void Check(IReadOnlyList<SequencePart> parts, int tokens)
    {
        long sum = 0;
        int end = 0;
        foreach (var part in parts)
        {
            if (part.Count < 1 || part.Start < 0 || part.Start > end)
                throw new ArgumentException($"A part of {part.Count} tokens at position {part.Start} cannot follow {end} positions.", nameof(parts));
            end = part.End;
            sum += part.Count;
        }
        if (sum != tokens || tokens == 0) throw new ArgumentException($"The parts have {sum} tokens, given are {tokens}.", nameof(parts));
    }

    /// <summary>Whether all sequences end at or before a length, or all of them after it.</summary>
    internal static bool OnOneSide(IReadOnlyList<SequencePart> parts, int length)
    {
        // A sequence ends where the next part does not go on.
        var ends = parts.Where((p, i) => i == parts.Count - 1 || parts[i + 1].Start < p.End).Select(p => p.End > length);
        return ends.Distinct().Count() == 1;
    }

    /// <exception cref="ArgumentException">Some sequences are longer than <paramref name="length"/> and others are not.</exception>
    internal static void CheckSameSide(IReadOnlyList<SequencePart> parts, int length)
    {
        if (!OnOneSide(parts, length))
            throw new ArgumentException($"This model turns texts of more than {length} tokens at other speeds: run shorter and longer ones apart.", nameof(parts));
    }
}
