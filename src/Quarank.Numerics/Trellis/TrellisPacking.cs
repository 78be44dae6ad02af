using System.Buffers.Binary;

namespace Quarank.Numerics.Trellis;

/// <summary>
/// How the 64 symbols of a ring are stored, 8 · SymbolBits bytes: eight runs of eight symbols, of each run the bits from its first symbol up; the first
/// four bytes of every run (where it has so many), then the next four, two, one.
/// </summary>
public static class TrellisPacking
{
    private const int Runs = 8, Run = TrellisCode.Length / Runs;

    /// <summary>Bytes of a ring.</summary>
    public static int BytesOf(int symbolBits) => Runs * symbolBits;

    public static void Pack(ReadOnlySpan<byte> symbols, int symbolBits, Span<byte> bytes)
    {
        Span<byte> run = stackalloc byte[8];
        for (int r = 0; r < Runs; r++)
        {
            ulong bits = 0;
            for (int i = 0; i < Run; i++) bits |= (ulong)symbols[r * Run + i] << i * symbolBits;
            BinaryPrimitives.WriteUInt64LittleEndian(run, bits);
            for (int at = 0, part; at < symbolBits; at += part)
            {
                part = Part(symbolBits - at);
                run.Slice(at, part).CopyTo(bytes[(Runs * at + r * part)..]);
            }
        }
    }

    public static void Unpack(ReadOnlySpan<byte> bytes, int symbolBits, Span<byte> symbols)
    {
        Span<byte> run = stackalloc byte[8];
        for (int r = 0; r < Runs; r++)
        {
            run.Clear();
            for (int at = 0, part; at < symbolBits; at += part)
            {
                part = Part(symbolBits - at);
                bytes.Slice(Runs * at + r * part, part).CopyTo(run[at..]);
            }
            ulong bits = BinaryPrimitives.ReadUInt64LittleEndian(run);
            for (int i = 0; i < Run; i++) symbols[r * Run + i] = (byte)(bits >> i * symbolBits & (1u << symbolBits) - 1);
        }
    }

    private static int Part(int bytes) => bytes >= 4 ? 4 : bytes >= 2 ? 2 : 1;
}
