namespace Quarank.Numerics.Lattice;

/// <summary>
/// The 256 patterns of absolute values of the E8P codebook (Tseng et al. 2024, arXiv:2402.04396): all of {1/2, 3/2, 5/2}⁸ with a squared norm of
/// at most 10, in ascending order, and 29 of squared norm 12.
/// </summary>
internal static class E8Patterns
{
    public const int Count = 256, Dimension = 8;

    // 2a, a digit a coordinate.
    private const string Norm12 =
        "31113333 13113333 11313333 11133333 33313311 33313131 33311331 33313113 33311313 33311133 33133311 33133131 33131331 33133113 33131313 33131133 "
        + "31333311 31333131 31331331 31333113 31331313 13331133 13333311 13333131 13331331 13333113 13331313 11331333 33113331";

    /// <summary>2a of every pattern, eight values each: 1, 3 or 5.</summary>
    public static int[] Doubled { get; } = Build();

    /// <summary>Where coordinate i stands among the nibbles of an entry and the sign bits of a code.</summary>
    public static ReadOnlySpan<byte> Position => [0, 4, 1, 5, 2, 6, 3, 7];

    /// <summary>Whether the coordinates of a pattern have an odd sum.</summary>
    public static bool IsOdd(int pattern)
    {
        int sum = 0;
        foreach (int v in Doubled.AsSpan(pattern * Dimension, Dimension)) sum += v;
        return (sum / 2 & 1) != 0;
    }

    /// <summary>
    /// The table of 1 KiB that codes are decoded with: an entry a pattern, a nibble 2a + 8 a coordinate at its <see cref="Position"/>, the last
    /// coordinate negative where the sum is odd.
    /// </summary>
    public static uint[] Entries { get; } = [.. Enumerable.Range(0, Count).Select(Entry)];

    private static uint Entry(int pattern)
    {
        uint entry = 0;
        for (int i = 0; i < Dimension; i++)
        {
            int doubled = Doubled[pattern * Dimension + i];
            entry |= (uint)(8 + (i == Dimension - 1 && IsOdd(pattern) ? -doubled : doubled)) << 4 * Position[i];
        }
        return entry;
    }

    private static int[] Build()
    {
        var all = new List<int>();
        for (int number = 0; number < 6561; number++)
        {
            int[] doubled = new int[Dimension];
            for (int i = Dimension - 1, rest = number; i >= 0; i--, rest /= 3) doubled[i] = 1 + 2 * (rest % 3);
            if (doubled.Sum(v => v * v) <= 40) all.AddRange(doubled);
        }
        foreach (string pattern in Norm12.Split(' ')) all.AddRange(pattern.Select(c => c - '0'));
        return [.. all];
    }
}
