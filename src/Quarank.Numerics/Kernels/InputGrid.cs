namespace Quarank.Numerics.Kernels;

/// <summary>
/// On which grid a layer's input is rounded before the product: x ≈ scale · (code − zero), codes of <paramref name="Bits"/> bits held as signed
/// bytes.
/// </summary>
/// <param name="Bits">2 to 8.</param>
/// <param name="GroupSize">Values of a token that share a scale: 32, 64, 128, or 0 for all of them.</param>
/// <param name="Symmetric">The range is ± the largest magnitude and zero is 0; else it reaches from the smallest value to the largest, 0 included.</param>
/// <param name="Static">One range for all tokens, which calibration found; else every token (or group) has its own.</param>
public sealed record InputGrid(int Bits = 8, int GroupSize = 0, bool Symmetric = true, bool Static = false)
{
    /// <summary>
    /// The lowest and highest code. Eight bits leave one code out: a product of such bytes and its neighbour's then fit in sixteen bits.
    /// </summary>
    internal (int Low, int High) Codes => Bits == 8 ? (-127, 127) : (-(1 << (Bits - 1)), (1 << (Bits - 1)) - 1);

    /// <summary>Refuses what cannot be, naming the value.</summary>
    /// <exception cref="ArgumentException">Bits outside 2–8, another group size, or static groups.</exception>
    public void Validate()
    {
        if (Bits is < 2 or > 8) throw new ArgumentException($"Inputs are rounded to 2 to 8 bits, not {Bits}.");
        if (GroupSize is not (0 or 32 or 64 or 128))
            throw new ArgumentException($"A group of inputs has 32, 64 or 128 values (0 = all of a token), not {GroupSize}.");
        if (Static && GroupSize != 0) throw new ArgumentException("A static range holds for a whole layer; it has no groups.");
    }
}
