using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Quarank.Numerics.Trellis;

/// <summary>The bits of a symbol as a type, so that each has loops of its own.</summary>
internal interface ISymbolBits
{
    static abstract int Count { get; }
}

internal readonly struct ThreeBits : ISymbolBits { public static int Count => 3; }

internal readonly struct FourBits : ISymbolBits { public static int Count => 4; }

internal readonly struct FiveBits : ISymbolBits { public static int Count => 5; }

internal readonly struct SixBits : ISymbolBits { public static int Count => 6; }

internal readonly struct SevenBits : ISymbolBits { public static int Count => 7; }

internal readonly struct EightBits : ISymbolBits { public static int Count => 8; }

/// <summary>
/// A ring in registers, a lane for each of its eight runs: the bits of the run and of what follows it, from bit 0, 16, 32 and 48 on. Step i of all runs
/// is one shift of one of them.
/// </summary>
internal readonly ref struct TrellisLanes<TBits> where TBits : struct, ISymbolBits
{
    private readonly Vector256<uint> _from0, _from16, _from32, _from48;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe TrellisLanes(byte* ring)
    {
        Vector256<uint> low, high = default, third = default;
        if (TBits.Count == 3) low = Words(ring) | Bytes(ring + 16) << 16;
        else low = Vector256.Load((uint*)ring);
        if (TBits.Count == 5) high = Bytes(ring + 32);
        if (TBits.Count is 6 or 7) high = Words(ring + 32);
        if (TBits.Count == 7) high |= Bytes(ring + 48) << 16;
        if (TBits.Count == 8) high = Vector256.Load((uint*)ring + 8);

        // The run that follows, behind the last bit of each.
        var next = Avx2.PermuteVar8x32(low, Vector256.Create(1u, 2, 3, 4, 5, 6, 7, 0));
        if (TBits.Count == 3) (low, high) = (low | next << 24, next >> 8);
        if (TBits.Count == 4) high = next;
        if (TBits.Count == 5) high |= next << 8;
        if (TBits.Count == 6) high |= next << 16;
        if (TBits.Count == 7) (high, third) = (high | next << 24, next >> 8);
        if (TBits.Count == 8) third = next;
        (_from0, _from32) = (low, high);
        _from16 = low >> 16 | high << 16;
        _from48 = high >> 16 | third << 16;
    }

    /// <summary>Both values of step <paramref name="i"/> of every run, the first in the lower half of a lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<short> Values(int i, Vector256<uint> mask, Vector256<uint> multiplier)
    {
        int offset = TBits.Count * i, within = offset & 31;
        var from = offset < 32 ? within <= 16 ? _from0 : _from16 : within <= 16 ? _from32 : _from48;
        var hash = ((from >> (within <= 16 ? within : within - 16) & mask) * multiplier).AsSByte();
        return Avx2.MultiplyAddAdjacent(Avx2.Abs(hash), hash);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe Vector256<uint> Words(byte* p) => Avx2.ConvertToVector256Int32((ushort*)p).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe Vector256<uint> Bytes(byte* p) => Avx2.ConvertToVector256Int32(p).AsUInt32();
}
