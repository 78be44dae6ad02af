namespace Quarank.Numerics.Lattice;

/// <summary>
/// A codebook of 2, 3 or 4 bits a weight for groups of eight: E8P alone, or with a second book for what it leaves, one bit by <see cref="E8Shell"/>
/// or two by E8P again. A code is the 16 bits of E8P and, above them, those of the second book.
/// </summary>
public sealed class LatticeBook
{
    private LatticeBook(int bits, double bestScale, float residualScale) => (Bits, BestScale, ResidualScale) = (bits, bestScale, residualScale);

    /// <summary>2, 3 or 4.</summary>
    public int Bits { get; }

    /// <summary>By what unit Gaussian weights are best multiplied before they are rounded.</summary>
    public double BestScale { get; }

    /// <summary>By what the rest of the first book is multiplied before the second one rounds it; 0 = there is none.</summary>
    public float ResidualScale { get; }

    /// <summary>Bytes of the second book's code.</summary>
    public int ResidualBytes => Bits - 2;

    /// <exception cref="ArgumentException">There is no book of these bits.</exception>
    public static LatticeBook Of(int bits) => bits switch
    {
        2 => Two,
        3 => Three,
        4 => Four,
        _ => throw new ArgumentException($"The lattice has books of 2, 3 and 4 bits, not {bits}."),
    };

    private static LatticeBook Two { get; } = new(2, 1.03, 0);
    private static LatticeBook Three { get; } = new(3, 0.98, 2.04f);
    private static LatticeBook Four { get; } = new(4, 1.03, 3.45f);

    /// <summary>The code for eight values, and in <paramref name="rounded"/> what it stands for.</summary>
    public uint Round(ReadOnlySpan<float> x, Span<float> rounded)
    {
        uint code = E8Codebook.Nearest(x);
        E8Codebook.Decode((ushort)code, rounded);
        if (Bits == 2) return code;
        Span<float> rest = stackalloc float[E8Codebook.Dimension];
        for (int i = 0; i < rest.Length; i++) rest[i] = (x[i] - rounded[i]) * ResidualScale;
        code |= (uint)(Bits == 3 ? E8Shell.Nearest(rest) : E8Codebook.Nearest(rest)) << 16;
        Decode(code, rounded);
        return code;
    }

    /// <summary>The eight values of a code.</summary>
    public void Decode(uint code, Span<float> values)
    {
        E8Codebook.Decode((ushort)code, values);
        if (Bits == 2) return;
        Span<float> rest = stackalloc float[E8Codebook.Dimension];
        if (Bits == 3) E8Shell.Decode((byte)(code >> 16), rest);
        else E8Codebook.Decode((ushort)(code >> 16), rest);
        for (int i = 0; i < rest.Length; i++) values[i] += rest[i] / ResidualScale;
    }
}
