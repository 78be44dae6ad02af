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
}
