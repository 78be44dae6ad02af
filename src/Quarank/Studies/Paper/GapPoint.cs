using Quarank.Compression.Learning;

namespace Quarank.Studies.Paper;

/// <summary>What the study of generalization tries.</summary>
/// <param name="Blocks">Which blocks are learned, each behind the original ones before it.</param>
/// <param name="Samples">From how many sequences, in rising order.</param>
/// <param name="Ranks">LRQ's, tried at the middle number of sequences; its own rule is tried at all of them.</param>
/// <param name="Unseen">How many sequences are measured on and never learned from.</param>
/// <param name="Bits">Of a code; one grid a row.</param>
public sealed record GapRequest(
    IReadOnlyList<int> Blocks, IReadOnlyList<int> Samples, IReadOnlyList<int> Ranks, int Unseen, int Bits, LearningSettings Learning)
{
    /// <summary>At how many sequences ranks are compared.</summary>
    public int RankSamples => Samples[Samples.Count / 2];

    /// <exception cref="InvalidDataException">A value is out of its range.</exception>
    internal void Check(int blocks, int sequences)
    {
        if (Blocks.Count == 0 || Blocks.Any(b => b < 0 || b >= blocks)) throw new InvalidDataException($"The model has blocks 0 to {blocks - 1}; name some of them, not {string.Join(", ", Blocks)}.");
        if (Samples.Count == 0 || Samples[0] < 1) throw new InvalidDataException("Something is learned from one sequence or more.");
        if (Unseen < 1) throw new InvalidDataException("At least one sequence must be unseen.");
        if (Samples[^1] > sequences) throw new InvalidDataException($"{Samples[^1]} sequences are to be learned from, and {sequences} are there beside the unseen ones; raise --samples.");
        if (Ranks.Any(r => r < 1)) throw new InvalidDataException("A rank is at least 1.");
        Learning.Validate();
    }
}

/// <summary>One block, learned once. Errors are Σ‖ŷ − y‖² / Σ‖y‖² of what leaves the block.</summary>
/// <param name="Method">flexround or lrq.</param>
/// <param name="Rank">LRQ's, where it is not that of its rule.</param>
/// <param name="Samples">Sequences that were learned from.</param>
/// <param name="Numbers">How many were learned.</param>
/// <param name="SeenRounded">On those sequences, rounded to the nearest.</param>
/// <param name="Seen">On the same, learned.</param>
/// <param name="UnseenRounded">On the others, rounded.</param>
/// <param name="Unseen">On the same, learned.</param>
/// <param name="Seconds">Of the steps.</param>
public sealed record GapPoint(
    int Block, string Method, int? Rank, int Samples, int Steps, long Numbers, double SeenRounded, double Seen, double UnseenRounded, double Unseen, double Seconds);

/// <summary>Several blocks' points of one kind, together: errors in parts of what rounding to the nearest leaves, so that every block counts alike.</summary>
/// <param name="Numbers">Of all these blocks.</param>
internal sealed record GapMean(string Method, int? Rank, int Samples, long Numbers, double Seen, double Unseen)
{
    /// <summary>How much larger the error is on what was not seen.</summary>
    public double Gap => Unseen / Seen - 1;

    public string Name => Method == "flexround" ? "FlexRound" : Rank is { } r ? $"LRQ, rank {r}" : "LRQ";

    public static IReadOnlyList<GapMean> Of(IEnumerable<GapPoint> points) =>
        [.. points.GroupBy(p => (p.Method, p.Rank, p.Samples)).Select(g => new GapMean(g.Key.Method, g.Key.Rank, g.Key.Samples, g.Sum(p => p.Numbers),
            g.Average(p => p.Seen / p.SeenRounded), g.Average(p => p.Unseen / p.UnseenRounded)))];
}
