using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// Products of 32 codes with 32 signed bytes, exact, in two steps: neighbours summed in 16 bits, then in 32. Lane l of a final sum holds
/// columns 4l … 4l + 3. Each has a form for x86 and one in portable vectors, of the same integers.
/// </summary>
internal static unsafe class PackedLanes
{
    /// <summary>
    /// Asks for the line 1.5 KiB behind <paramref name="p"/>: so many instructions stand between two lines of codes that the processor alone
    /// does not look far enough ahead. It may lie behind the matrix; nothing is read.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(byte* p)
    {
        if (Sse.IsSupported) Sse.Prefetch0(p + 1536);
    }

    /// <summary>Codes (0 … 127) times the bytes at <paramref name="q"/>, neighbours summed: at most 2 · 127 · 127.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Pairs(Vector256<byte> codes, sbyte* q)
    {
        if (Avx2.IsSupported) return Avx2.MultiplyAddAdjacent(codes, Vector256.Load(q));
        return Products(codes.AsInt16(), q);
    }

    /// <summary>Weights (−128 … 127) times the bytes at <paramref name="q"/> (−127 … 127), neighbours summed: at most 2 · 128 · 127.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> SignedPairs(Vector256<sbyte> weights, sbyte* q)
    {
        // The instruction takes unsigned bytes by signed ones, so the weight's sign goes to the input.
        if (Avx2.IsSupported) return Avx2.MultiplyAddAdjacent(Avx2.Abs(weights), Avx2.Sign(Vector256.Load(q), weights));
        return Products(weights.AsInt16(), q);
    }

    /// <summary>Sums of neighbours in 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Quads(Vector256<short> pairs)
    {
        if (Avx2.IsSupported) return Avx2.MultiplyAddAdjacent(pairs, Vector256<short>.One);
        var wide = pairs.AsInt32();
        return (wide << 16 >> 16) + (wide >> 16);
    }

    /// <summary>sum + scale · quads, rounded once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> sum, Vector256<int> quads, float scale) =>
        Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(quads), Vector256.Create(scale), sum);

    /// <summary>Bytes of a table of sixteen, which stands in both halves of <paramref name="table"/>, by codes below 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> LookUp(Vector256<byte> table, Vector256<byte> codes)
    {
        if (Avx2.IsSupported) return Avx2.Shuffle(table, codes);
        return Vector256.Create(Vector128.Shuffle(table.GetLower(), codes.GetLower()), Vector128.Shuffle(table.GetLower(), codes.GetUpper()));
    }

    /// <summary>Eight bytes as integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Eight(byte* bytes)
    {
        if (Avx2.IsSupported) return Avx2.ConvertToVector256Int32(bytes);
        var wide = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)bytes).AsByte());
        return Vector256.Create(Vector128.WidenLower(wide), Vector128.WidenUpper(wide)).AsInt32();
    }

    // Shifts act on 16-bit lanes: what crosses a byte's border falls to the mask that follows.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Down(Vector256<byte> v, int shift) => (v.AsUInt16() >>> shift).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Up(Vector256<byte> v, int shift) => (v.AsUInt16() << shift).AsByte();

    /// <summary>The sum of eight lanes, in the order of a tree.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Total(Vector256<float> sum)
    {
        var four = sum.GetLower() + sum.GetUpper();
        var two = four + Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1));
        return two.ToScalar() + two.GetElement(1);
    }

    // Sign extension of a signed byte is right for a code below 128 too.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Products(Vector256<short> c, sbyte* q)
    {
        var s = Vector256.Load(q).AsInt16();
        return (c << 8 >> 8) * (s << 8 >> 8) + (c >> 8) * (s >> 8);
    }
}
