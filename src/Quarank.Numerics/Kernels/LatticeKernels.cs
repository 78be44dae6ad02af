using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Quarank.Numerics.Lattice;

namespace Quarank.Numerics.Kernels;

/// <summary>Rows of E8P codes (<see cref="E8Codebook"/>) as floats: each code is eight weights, looked up in the table of 1 KiB.</summary>
public static class LatticeKernels
{
    // A nibble stands at the top of its lane as an integer: n · 2²⁸ with n = 2v, so that a weight is 2⁻²⁹ of it.
    private const float Unit = 1f / (1 << 29);
    private const float Quarter = 1 << 27;

    /// <summary>The eight values of each code, times <paramref name="scale"/>.</summary>
    public static void Decode(ReadOnlySpan<ushort> codes, float scale, Span<float> values)
    {
        Check(codes.Length, values.Length);
        if (!Avx2.IsSupported)
        {
            for (int g = 0; g < codes.Length; g++)
            {
                var point = values.Slice(g * 8, 8);
                E8Codebook.Decode(codes[g], point);
                foreach (ref float v in point) v *= scale;
            }
            return;
        }
        ref uint entries = ref MemoryMarshal.GetArrayDataReference(E8Patterns.Entries);
        ref float to = ref MemoryMarshal.GetReference(values);
        var unit = Vector256.Create(Unit);
        // Values first (exact), the scale after them: as the scalar twin rounds.
        for (int g = 0; g < codes.Length; g++) (Weights(codes[g], ref entries) * unit * scale).StoreUnsafe(ref to, (nuint)g * 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Weights(ushort code, ref uint entries)
    {
        int parity = BitOperations.PopCount((uint)(byte)code) & 1;
        // Nibbles are kept with 8 added; with that bit turned they are two's complement.
        var entry = Vector256.Create((int)(Unsafe.Add(ref entries, code >> 8) ^ 0x88888888));
        var signs = Vector256.Create((byte)code ^ parity);
        entry = Avx2.ShiftLeftLogicalVariable(entry, Vector256.Create(28u, 12, 24, 8, 20, 4, 16, 0));
        signs = Avx2.ShiftLeftLogicalVariable(signs, Vector256.Create(31u, 27, 30, 26, 29, 25, 28, 24));
        var halves = Vector256.ConvertToSingle(entry & Vector256.Create(unchecked((int)0xF0000000)));
        var signed = halves.AsInt32() ^ (signs & Vector256.Create(int.MinValue));
        return signed.AsSingle() + Vector256.Create(parity == 0 ? Quarter : -Quarter);
    }

    private static void Check(int codes, int values)
    {
        if (values != codes * 8L) throw new ArgumentException($"{codes} codes stand for {codes * 8L} values, not {values}.");
    }
}
