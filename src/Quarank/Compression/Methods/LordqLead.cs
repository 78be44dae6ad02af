namespace Quarank.Compression.Methods;

/// <summary>The components of the largest singular values: a block of their own before all others, stored with bits of their own.</summary>
/// <param name="Rank">How many; they count towards the layer's rank.</param>
/// <param name="PBits">Bits of P's codes, 2 to 8, or 16.</param>
/// <param name="QBits">Bits of Q's codes, 2 to 8, or 16.</param>
/// <param name="Share">As many more as this share of min(rows, columns), so that a lead suits layers of all sizes.</param>
/// <param name="Then">Those that follow them, with bits between theirs and the rest's.</param>
public sealed record LordqLead(int Rank = 0, int PBits = 8, int QBits = 8, double Share = 0, LordqLead? Then = null)
{
    internal int CountOf(int rows, int columns) => Rank + (int)Math.Round(Share * Math.Min(rows, columns));

    internal void Validate()
    {
        if (Rank < 0) throw new ArgumentException($"Leading components are counted from 0 on, not {Rank}.");
        if (Share is not (>= 0 and <= 1)) throw new ArgumentException($"A share of the components lies between 0 and 1, not {Share}.");
        if (Rank == 0 && Share == 0) throw new ArgumentException("The leading components are at least one: a rank or a share is missing.");
    }
}
