using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static Quarank.Numerics.Kernels.PackedLanes;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// The codes of a whole block of 128 columns in the order of their columns, for kernels that cannot take a width's planes apart: four parts
/// of 32 codes, of which every eight are a slice.
/// </summary>
internal unsafe interface IPackedCodes
{
    /// <summary>Bytes from a block to the next at <c>block</c>.</summary>
    static abstract int Step { get; }

    /// <summary>Part <paramref name="part"/> of a block.</summary>
    /// <param name="bits">The stripe of single bits, shared by two blocks.</param>
    /// <param name="shift">0 in the first of these blocks, 4 in the second.</param>
    static abstract Vector256<byte> Part(byte* block, byte* bits, int shift, int part);

    /// <summary>Slice <paramref name="slice"/> of each of the four parts, less the layout's base.</summary>
    static abstract void Slices(
        byte* block, byte* bits, int shift, int slice, out Vector256<int> c0, out Vector256<int> c1, out Vector256<int> c2, out Vector256<int> c3);
}

internal readonly unsafe struct OneBitCodes : IPackedCodes
{
    public static int Step => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Part(byte* block, byte* bits, int shift, int part) => Down(Vector256.Load(bits), shift + part) & Vector256<byte>.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Slices(
        byte* block, byte* bits, int shift, int slice, out Vector256<int> c0, out Vector256<int> c1, out Vector256<int> c2, out Vector256<int> c3)
    {
        Vector256<int> v = Eight(bits + 8 * slice) >>> shift, one = Vector256<int>.One;
        (c0, c1, c2, c3) = (v & one, (v >>> 1) & one, (v >>> 2) & one, (v >>> 3) & one);
    }
}

internal readonly unsafe struct TwoBitCodes : IPackedCodes
{
    public static int Step => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Part(byte* block, byte* bits, int shift, int part) => Down(Vector256.Load(block), 2 * part) & Vector256.Create((byte)3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Slices(
        byte* block, byte* bits, int shift, int slice, out Vector256<int> c0, out Vector256<int> c1, out Vector256<int> c2, out Vector256<int> c3)
    {
        Vector256<int> v = Eight(block + 8 * slice), three = Vector256.Create(3);
        (c0, c1, c2, c3) = (v & three, (v >>> 2) & three, (v >>> 4) & three, v >>> 6);
    }
}

internal readonly unsafe struct ThreeBitCodes : IPackedCodes
{
    public static int Step => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Part(byte* block, byte* bits, int shift, int part) =>
        TwoBitCodes.Part(block, bits, shift, part) | Up(OneBitCodes.Part(block, bits, shift, part), 2);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Slices(
        byte* block, byte* bits, int shift, int slice, out Vector256<int> c0, out Vector256<int> c1, out Vector256<int> c2, out Vector256<int> c3)
    {
        TwoBitCodes.Slices(block, bits, shift, slice, out c0, out c1, out c2, out c3);
        Vector256<int> v = Eight(bits + 8 * slice) >>> shift, four = Vector256.Create(4);
        c0 |= (v << 2) & four;
        c1 |= (v << 1) & four;
        c2 |= v & four;
        c3 |= (v >>> 1) & four;
    }
}

/// <summary>Three bits in the order of <see cref="PackedTriples"/>, two blocks of 128 columns in each of its blocks.</summary>
internal readonly unsafe struct TripleCodes : IPackedCodes
{
    public static int Step => PackedTriples.Bytes / 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Part(byte* block, byte* bits, int shift, int part) => PackedTriples.Part(block - shift * Step / 4, shift + part);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Slices(
        byte* block, byte* bits, int shift, int slice, out Vector256<int> c0, out Vector256<int> c1, out Vector256<int> c2, out Vector256<int> c3)
    {
        byte* at = block - shift * Step / 4 + 8 * slice;
        var seven = Vector256.Create(7);
        Vector256<int> v, w;
        if (shift == 0) (v, w) = (Eight(at), Eight(at + 32));
        else
        {
            Vector128<ushort> a = Words(at), b = Words(at + 32), c = Words(at + 64);
            ulong last = ((a >>> 6) ^ (b >>> 4) ^ (c >>> 2)).AsUInt64().ToScalar();
            (v, w) = (Eight(at + 64), Eight((byte*)&last));
        }
        (c0, c1, c2, c3) = (v & seven, (v >>> 3) & seven, w & seven, (w >>> 3) & seven);

        static Vector128<ushort> Words(byte* p) => Vector128.CreateScalarUnsafe(*(ulong*)p).AsUInt16();
    }
}

internal readonly unsafe struct FourBitCodes : IPackedCodes
{
    public static int Step => 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Part(byte* block, byte* bits, int shift, int part) =>
        Down(Vector256.Load(block + part / 2 * 32), part % 2 * 4) & Vector256.Create((byte)15);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Slices(
        byte* block, byte* bits, int shift, int slice, out Vector256<int> c0, out Vector256<int> c1, out Vector256<int> c2, out Vector256<int> c3)
    {
        Vector256<int> v = Eight(block + 8 * slice), w = Eight(block + 32 + 8 * slice), fifteen = Vector256.Create(15);
        (c0, c1, c2, c3) = (v & fifteen, v >>> 4, w & fifteen, w >>> 4);
    }
}

internal readonly unsafe struct EightBitCodes : IPackedCodes
{
    public static int Step => 128;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Part(byte* block, byte* bits, int shift, int part) => Vector256.Load(block + 32 * part);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Slices(
        byte* block, byte* bits, int shift, int slice, out Vector256<int> c0, out Vector256<int> c1, out Vector256<int> c2, out Vector256<int> c3)
    {
        var half = Vector256.Create(128);
        byte* v = block + 8 * slice;
        (c0, c1, c2, c3) = (Eight(v) - half, Eight(v + 32) - half, Eight(v + 64) - half, Eight(v + 96) - half);
    }
}

/// <summary>The columns behind the last whole block, unpacked to a byte each.</summary>
internal static unsafe class PackedRest
{
    /// <summary>Bytes of a buffer for <see cref="Unpack"/>.</summary>
    public const int Room = 256 + 64;

    /// <summary>Blocks of 128 columns whose codes lie in whole stripes.</summary>
    public static int WholeBlocks(PackedLayout layout) => layout.Bits is 1 or 3 ? layout.BitTailStart / 128 : layout.Columns / 128;

    /// <summary>Codes of the columns from <paramref name="first"/> (a multiple of 128, of 256 for odd widths) on; what follows them is below 2^bits.</summary>
    /// <param name="triples">Three bits: whether the columns before <paramref name="first"/> are in the order of <see cref="PackedTriples"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unpack(byte* row, PackedLayout layout, int first, bool triples, byte* codes)
    {
        int count = layout.Columns - first;
        if (layout.Bits == 3 && triples)
        {
            byte* rest = row + PackedTriples.Bytes * layout.Triples;
            Plane(rest, 2, 0, count, codes);
            Plane(rest + layout.BitRest, 1, 2, count, codes);
        }
        else if (layout.Bits == 3)
        {
            Plane(row + first / 4, 2, 0, count, codes);
            Plane(row + layout.BitPlane + first / 8, 1, 2, count, codes);
        }
        else Plane(row + (nint)first * layout.Bits / 8, layout.Bits, 0, count, codes);
    }

    // Part k of a stripe of s bytes goes to codes k·s … k·s + s − 1; the first plane overwrites what the part before wrote too much.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Plane(byte* bytes, int width, int low, int count, byte* codes)
    {
        int perStripe = 256 / width;
        var mask = Vector256.Create((byte)((1 << width) - 1));
        for (int j = 0; j < count; j += perStripe)
        {
            int s = (Math.Min(perStripe, count - j) * width + 7) / 8;
            var v = Vector256.Load(bytes);
            var inside = Vector256.LessThan(Vector256<byte>.Indices, Vector256.Create((byte)s));
            for (int k = 0; k < 8 / width; k++)
            {
                byte* target = codes + j + k * s;
                var part = Down(v, k * width) & mask;
                if (low == 0) part.Store(target);
                else (Vector256.Load(target) | Up(part & inside, low)).Store(target);
            }
            bytes += s;
        }
    }
}
