namespace Quarank.Numerics.Trellis;

/// <summary>
/// A code of 1.5 to 4 bits a weight whose values are computed, not stored: a sequence of symbols, one for every two weights, of which a state sees the
/// last few (trellis-coded quantization, Marcellin and Fischer 1990; a state that shifts through the bits and is hashed, Tseng et al. 2024,
/// arXiv:2406.11235). The sequence is closed to a ring, so that nothing but its symbols is stored.
/// </summary>
/// <remarks>
/// The state of a place is <see cref="StateBits"/> bits from its own symbol on. Times an odd number they are four signed bytes a b c d; the two weights
/// are a·|a| + b·|b| and c·|c| + d·|d|: nearly Gaussian, and six instructions for sixteen weights.
/// </remarks>
public sealed class TrellisCode
{
    /// <summary>Places of a ring, each for two weights: rows that share one.</summary>
    public const int Length = 64;

    /// <summary>Weights of a place: neighbouring columns.</summary>
    public const int Width = 2;

    /// <summary>The widest states there are.</summary>
    public const int MostStateBits = 16;

    // By the bits of a symbol: of 40 odd numbers one of those with the least error for Gaussian weights; at 7 bits, not searched, that of 8.
    private static readonly uint[] Multipliers = [0, 0, 0, 0x309D6B79, 0xEC99108D, 0x986E86CB, 0xFB710735, 0x986E86CB, 0x986E86CB];

    // By the bits of a symbol, measured at 4, 6 and 8 and laid between them elsewhere: how far values best spread, in standard deviations of Gaussian weights. Values end at three of their own, weights do not.
    private static readonly double[] Spreads = [0, 0, 0, 0.94, 0.99, 1.04, 1.1, 1.13, 1.17];

    private static readonly TrellisCode?[,] Known = new TrellisCode?[9, MostStateBits + 1];

    private TrellisCode(int symbolBits, int stateBits)
    {
        (SymbolBits, StateBits, Multiplier) = (symbolBits, stateBits, Multipliers[symbolBits]);
        int states = 1 << stateBits, entering = 1 << symbolBits;
        (First, Second) = (new float[states], new float[states]);
        double squares = 0;
        for (int s = 0; s < states; s++)
        {
            var (a, b) = Values((uint)s);
            int at = (s & (Nodes - 1)) * entering + (s >> (stateBits - symbolBits));
            (First[at], Second[at]) = (a, b);
            squares += (double)a * a + (double)b * b;
        }
        BestScale = Spreads[symbolBits] * Math.Sqrt(2 * states / squares);
    }

    /// <summary>The code for these bits a weight.</summary>
    /// <param name="bits">1.5 to 4 in halves.</param>
    /// <param name="stateBits">At most 16, at least two symbols; more find better sequences, at twice the time each.</param>
    /// <exception cref="ArgumentException">There is no such code.</exception>
    public static TrellisCode Of(double bits, int stateBits)
    {
        if (!(bits is >= 1.5 and <= 4) || 2 * bits != Math.Floor(2 * bits)) throw new ArgumentException($"A trellis has 1.5 to 4 bits a weight in halves, not {bits}.");
        int symbol = (int)(2 * bits);
        if (stateBits > MostStateBits || stateBits < 2 * symbol)
            throw new ArgumentException($"The states of a trellis of {bits} bits a weight have {2 * symbol} to {MostStateBits} bits, not {stateBits}.");
        lock (Known) return Known[symbol, stateBits] ??= new(symbol, stateBits);
    }

    /// <summary>States that are worth their time: 14 bits, and 16 above 3 bits a weight, where fewer see too few symbols.</summary>
    public static int UsualStateBits(double bits) => bits > 3 ? 16 : 14;

    /// <summary>Bits of a symbol: stored for every two weights.</summary>
    public int SymbolBits { get; }

    /// <summary>Bits of a state.</summary>
    public int StateBits { get; }

    /// <summary>What a unit of the values is best worth where the weights have variance 1.</summary>
    public double BestScale { get; }

    /// <summary>What a state is hashed with.</summary>
    internal uint Multiplier { get; }

    /// <summary>What two neighbouring states have in common: 2^(StateBits − SymbolBits) nodes.</summary>
    internal int Nodes => 1 << (StateBits - SymbolBits);

    /// <summary>The values of all states: those that leave a node behind one another, by the symbol that enters.</summary>
    internal float[] First { get; }

    /// <inheritdoc cref="First"/>
    internal float[] Second { get; }

    /// <summary>The two values of a state: whole numbers of up to 2¹⁵.</summary>
    public (int First, int Second) Values(uint state)
    {
        uint hash = state * Multiplier;
        return (Square(hash) + Square(hash >> 8), Square(hash >> 16) + Square(hash >> 24));
    }

    /// <summary>The values of a ring's places.</summary>
    public void Decode(ReadOnlySpan<byte> symbols, Span<int> first, Span<int> second)
    {
        // What a state sees after its own symbol, the places behind it, stands above it.
        uint mask = (1u << StateBits) - 1, state = 0;
        for (int p = Length + StateBits; p >= 0; p--)
        {
            state = (state << SymbolBits | symbols[p % Length]) & mask;
            if (p < Length) (first[p], second[p]) = Values(state);
        }
    }

    private static int Square(uint hash)
    {
        int value = (sbyte)hash;
        return value * Math.Abs(value);
    }
}
