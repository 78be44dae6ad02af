using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics;

/// <summary>Codes of 1 to 8 bits ↔ bytes, in the one order that files and kernels share.</summary>
/// <remarks>
/// A b-bit code is cut into planes of 4, 2 and 1 bits (8 bits are one plane; 7 = 4 + 2 + 1, 6 = 4 + 2, 5 = 4 + 1, 3 = 2 + 1), the lowest bits first.
/// A plane of width w is stored in stripes of 32 bytes: byte i of a stripe holds codes i, i + 32, i + 64, … at bits 0, w, 2w, …,
/// so a load, a shift and a mask give 32 neighbouring codes. The last stripe of a row has s = ⌈t·w/8⌉ bytes for its t codes,
/// byte i holding codes i, i + s, i + 2s, …: a row of n codes takes Σ ⌈n·w/8⌉ bytes, and no more.
/// </remarks>
public static class BitPacking
{
    private const int Stripe = 32;

    /// <summary>The bytes of a row of <paramref name="count"/> codes of <paramref name="bits"/> bits.</summary>
    public static int ByteCount(int count, int bits)
    {
        int bytes = 0;
        foreach (int width in Planes(bits)) bytes += (int)(((long)count * width + 7) / 8);
        return bytes;
    }

    /// <summary>Writes the codes of one row, each below 2^bits, to <see cref="ByteCount"/> bytes.</summary>
    public static void Pack(ReadOnlySpan<byte> codes, int bits, Span<byte> packed)
    {
        Check(codes.Length, bits, packed.Length);
        packed.Clear();
        int low = 0;
        foreach (int width in Planes(bits))
        {
            int mask = (1 << width) - 1, perStripe = Stripe * 8 / width;
            for (int first = 0; first < codes.Length; first += perStripe)
            {
                int count = Math.Min(perStripe, codes.Length - first), bytes = (count * width + 7) / 8;
                for (int j = 0; j < count; j++)
                    packed[j % bytes] |= (byte)(((codes[first + j] >> low) & mask) << (j / bytes * width));
                packed = packed[bytes..];
            }
            low += width;
        }
    }

    /// <summary>Reads the codes of one row back.</summary>
    public static void Unpack(ReadOnlySpan<byte> packed, int bits, Span<byte> codes)
    {
        Check(codes.Length, bits, packed.Length);
        int low = 0;
        foreach (int width in Planes(bits))
        {
            int perStripe = Stripe * 8 / width;
            for (int first = 0; first < codes.Length; first += perStripe)
            {
                int count = Math.Min(perStripe, codes.Length - first), bytes = (count * width + 7) / 8;
                UnpackStripe(packed[..bytes], width, low, codes.Slice(first, count));
                packed = packed[bytes..];
            }
            low += width;
        }
    }

    private static void UnpackStripe(ReadOnlySpan<byte> stripe, int width, int low, Span<byte> codes)
    {
        byte mask = (byte)((1 << width) - 1);
        if (Vector256.IsHardwareAccelerated && codes.Length * width == Stripe * 8)
        {
            var bytes = Vector256.Create(stripe).AsUInt16();
            var keep = Vector256.Create(mask);
            for (int k = 0; k < 8 / width; k++)
            {
                // Shifts act on 16-bit lanes: what crosses a byte's border falls to the mask.
                var part = ((bytes >>> (k * width)).AsByte() & keep).AsUInt16() << low;
                ref byte target = ref MemoryMarshal.GetReference(codes[(k * Stripe)..]);
                (low == 0 ? part.AsByte() : part.AsByte() | Vector256.LoadUnsafe(ref target)).StoreUnsafe(ref target);
            }
            return;
        }

        for (int j = 0; j < codes.Length; j++)
        {
            int part = (stripe[j % stripe.Length] >> (j / stripe.Length * width)) & mask;
            codes[j] = (byte)(low == 0 ? part : codes[j] | part << low);
        }
    }

    private static ReadOnlySpan<byte> Planes(int bits) => bits switch
    {
        1 => [1],
        2 => [2],
        3 => [2, 1],
        4 => [4],
        5 => [4, 1],
        6 => [4, 2],
        7 => [4, 2, 1],
        8 => [8],
        _ => throw new ArgumentOutOfRangeException(nameof(bits), bits, "Codes have 1 to 8 bits."),
    };

    private static void Check(int count, int bits, int bytes)
    {
        if (bytes != ByteCount(count, bits))
            throw new ArgumentException($"{count} codes of {bits} bits take {ByteCount(count, bits)} bytes, not {bytes}.", nameof(bytes));
    }
}
