using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static Quarank.Numerics.Kernels.PackedLanes;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// The order in which kernels keep codes of three bits on a grid: 256 columns in three vectors of 32 bytes, A, B and C, which a few masks take
/// apart, where the file's planes of two bits and of one (<see cref="BitPacking"/>) must be joined code by code.
/// </summary>
/// <remarks>
/// The 256 codes are eight parts of 32. Byte i of A has code i of parts 0 and 1 in bits 0–2 and 3–5, B those of parts 2 and 3, C of 4 and 5. Bits 6
/// and 7 of the three are such that (A >> 6) ^ (B >> 4) ^ (C >> 2), shifted in words of 16 bits, has those of parts 6 and 7 in the same
/// places: no mask is needed before, since what else these shifts bring is known here, and taken off beforehand. Behind a row's whole blocks
/// stand what is left of the plane of two bits, then of the plane of one, as they were. A row takes the bytes it took, and comes back bit for bit.
/// </remarks>
internal static unsafe class PackedTriples
{
    /// <summary>Columns of a block.</summary>
    public const int Columns = 256;

    /// <summary>Bytes of a block.</summary>
    public const int Bytes = 96;

    private const int Low = 64, High = 32;      // a block's bytes in the planes of two bits and of one

    /// <summary>Rows in the file's order, in that of the kernels.</summary>
    public static byte[] FromPlanes(byte[] codes, int rows, PackedLayout layout) => Turned(codes, rows, layout, &FromPlanes);

    /// <summary>What <see cref="FromPlanes(byte[], int, PackedLayout)"/> was given.</summary>
    public static byte[] ToPlanes(byte[] codes, int rows, PackedLayout layout) => Turned(codes, rows, layout, &ToPlanes);

    private static byte[] Turned(byte[] codes, int rows, PackedLayout layout, delegate*<byte*, byte*, PackedLayout, void> turn)
    {
        byte[] turned = GC.AllocateUninitializedArray<byte>(codes.Length);
        fixed (byte* from = codes, to = turned)
            for (nint i = 0, bytes = layout.BytesPerRow; i < rows; i++) turn(from + i * bytes, to + i * bytes, layout);
        return turned;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromPlanes(byte* row, byte* target, PackedLayout layout)
    {
        byte* bits = row + layout.BitPlane;
        var three = Vector256.Create((byte)3);
        for (int b = 0; b < layout.Triples; b++, row += Low, bits += High, target += Bytes)
        {
            Vector256<byte> v = Vector256.Load(row), w = Vector256.Load(row + High), t = Vector256.Load(bits);
            var a = Code(v, 0, t, 0) | Up(Code(v, 1, t, 1), 3);
            var c = Code(v, 2, t, 2) | Up(Code(v, 3, t, 3), 3);
            var e = Code(w, 0, t, 4) | Up(Code(w, 1, t, 5), 3);
            var last = Code(w, 2, t, 6) | Up(Code(w, 3, t, 7), 3);
            var missing = last ^ Joined(a, c, e);
            (a | Up(missing & three, 6)).Store(target);
            (c | Up(Down(missing, 2) & three, 6)).Store(target + 32);
            (e | Up(Down(missing, 4) & three, 6)).Store(target + 64);
        }
        int left = layout.BytesPerRow - Bytes * layout.Triples, low = layout.BitPlane - Low * layout.Triples;
        new Span<byte>(row, low).CopyTo(new Span<byte>(target, low));
        new Span<byte>(bits, left - low).CopyTo(new Span<byte>(target + low, left - low));

        Vector256<byte> Code(Vector256<byte> pairs, int pair, Vector256<byte> bits, int bit) =>
            (Down(pairs, 2 * pair) & three) | Up(Down(bits, bit) & Vector256<byte>.One, 2);
    }

    /// <summary>One row in the file's order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToPlanes(byte* row, byte* target, PackedLayout layout)
    {
        byte* bits = target + layout.BitPlane;
        for (int b = 0; b < layout.Triples; b++, row += Bytes, bits += High, target += Low)
        {
            Vector256<byte> v = default, w = default, t = default;
            for (int k = 0; k < 4; k++)
            {
                Vector256<byte> first = Part(row, k), second = Part(row, k + 4);
                v |= Up(first & Vector256.Create((byte)3), 2 * k);
                w |= Up(second & Vector256.Create((byte)3), 2 * k);
                t |= Up(Down(first & Vector256.Create((byte)4), 2), k) | Up(Down(second & Vector256.Create((byte)4), 2), k + 4);
            }
            v.Store(target);
            w.Store(target + 32);
            t.Store(bits);
        }
        int left = layout.BytesPerRow - Bytes * layout.Triples, low = layout.BitPlane - Low * layout.Triples;
        new Span<byte>(row, low).CopyTo(new Span<byte>(target, low));
        new Span<byte>(row + low, left - low).CopyTo(new Span<byte>(bits, left - low));
    }

    /// <summary><see cref="ToPlanes(byte*, byte*, PackedLayout)"/> by plain loops.</summary>
    public static void ToPlanesScalar(byte* row, byte* target, PackedLayout layout)
    {
        byte* bits = target + layout.BitPlane;
        new Span<byte>(target, layout.BytesPerRow).Clear();
        for (int b = 0; b < layout.Triples; b++, row += Bytes, bits += High, target += Low)
        {
            for (int i = 0; i < 32; i++)
            {
                ushort Word(int vector) => Unsafe.ReadUnaligned<ushort>(row + 32 * vector + (i & ~1));
                int last = ((Word(0) >> 6) ^ (Word(1) >> 4) ^ (Word(2) >> 2)) >> 8 * (i & 1);
                for (int k = 0; k < 8; k++)
                {
                    int code = ((k < 6 ? row[32 * (k / 2) + i] : last) >> 3 * (k & 1)) & 7;
                    target[32 * (k / 4) + i] |= (byte)((code & 3) << 2 * (k & 3));
                    bits[i] |= (byte)((code >> 2) << k);
                }
            }
        }
        for (int i = 0; i < layout.BitPlane - Low * layout.Triples; i++) target[i] = *row++;
        for (int i = 0; i < layout.BytesPerRow - layout.BitPlane - High * layout.Triples; i++) bits[i] = *row++;
    }

    /// <summary>Parts 6 and 7 in the places of 0 and 1; above them, other bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Joined(Vector256<byte> a, Vector256<byte> b, Vector256<byte> c) => Down(a, 6) ^ Down(b, 4) ^ Down(c, 2);

    /// <summary>Part 0 … 7 of a block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Part(byte* block, int part)
    {
        var v = part < 6 ? Vector256.Load(block + 32 * (part / 2)) : Joined(Vector256.Load(block), Vector256.Load(block + 32), Vector256.Load(block + 64));
        return Down(v, 3 * (part & 1)) & Vector256.Create((byte)7);
    }
}
