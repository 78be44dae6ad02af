using System.Numerics;

namespace Quarank.Numerics.Lattice;

/// <summary>
/// E8P: 65,536 points of E8 + 1/4 as 16-bit codes, two bits a weight (Tseng et al. 2024, arXiv:2402.04396). High byte: the pattern of absolute
/// values; low byte: signs, its parity says whether the half-integer vector was moved by −1/4 (odd) or +1/4.
/// </summary>
public static class E8Codebook
{
    /// <summary>Weights of a code.</summary>
    public const int Dimension = E8Patterns.Dimension;

    /// <summary>The point of a code: eight multiples of 1/4.</summary>
    public static void Decode(ushort code, Span<float> values)
    {
        uint entry = E8Patterns.Entries[code >> 8];
        int parity = BitOperations.PopCount((uint)code & 255) & 1, signs = code & 255 ^ parity;
        float shift = parity != 0 ? -0.25f : 0.25f;
        for (int i = 0; i < Dimension; i++)
        {
            int j = E8Patterns.Position[i];
            float v = ((int)(entry >> 4 * j & 15) - 8) * 0.5f;
            values[i] = ((signs >> j & 1) != 0 ? -v : v) + shift;
        }
    }

    /// <summary>The code of the nearest point; exact, and of points equally near the same one on all hardware.</summary>
    public static ushort Nearest(ReadOnlySpan<float> x)
    {
        if (x.Length != Dimension) throw new ArgumentException($"A point has {Dimension} coordinates, not {x.Length}.", nameof(x));
        Span<float> lanes = stackalloc float[Dimension * 8], values = stackalloc float[Dimension * 8];
        Span<ushort> codes = stackalloc ushort[8];
        for (int i = 0; i < Dimension; i++) lanes[i * 8] = x[i];
        E8Search.Nearest(lanes, 8, 1, values, codes, []);
        return codes[0];
    }
}
