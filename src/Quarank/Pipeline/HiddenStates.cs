using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Pipeline;

/// <summary>
/// The hidden states (tokens × hidden size) of all calibration sequences between two blocks. A file of them only saves time on
/// going on: without it they are computed again from the embeddings, with the same result.
/// </summary>
internal static class HiddenStates
{
    private const ulong Magic = 0x3154534E4444_4948;   // "HIDDNST1" read as a little-endian number

    public static Matrix<float>[] Embed(Embedding embedding, CalibrationSet calibration) =>
        [.. calibration.Sequences.Select(s => embedding.Apply(s))];

    /// <summary>Stores the states that enter <paramref name="block"/>.</summary>
    public static void Save(string path, int block, Matrix<float>[] hidden) => AtomicFile.Write(path, stream =>
    {
        stream.Write(Header(block, hidden));
        foreach (var h in hidden) stream.Write(MemoryMarshal.AsBytes(h.Data));
    });

    /// <summary>
    /// The stored states and the block they enter; null when there is no whole file of this many sequences of this size.
    /// </summary>
    public static (int Block, Matrix<float>[] Hidden)? TryLoad(string path, int samples, int tokens, int width)
    {
        if (!File.Exists(path)) return null;
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        Span<byte> header = stackalloc byte[24];
        if (stream.Length != header.Length + 4L * samples * tokens * width) return null;
        stream.ReadExactly(header);
        int block = BinaryPrimitives.ReadInt32LittleEndian(header[8..]);
        if (!header.SequenceEqual(Header(block, samples, tokens, width))) return null;
        var hidden = new Matrix<float>[samples];
        for (int i = 0; i < samples; i++)
        {
            hidden[i] = new Matrix<float>(tokens, width);
            stream.ReadExactly(MemoryMarshal.AsBytes(hidden[i].Data));
        }
        return (block, hidden);
    }

    private static byte[] Header(int block, Matrix<float>[] hidden) =>
        Header(block, hidden.Length, hidden[0].Rows, hidden[0].Columns);

    private static byte[] Header(int block, int samples, int tokens, int width)
    {
        var header = new byte[24];
        BinaryPrimitives.WriteUInt64LittleEndian(header, Magic);
        int[] numbers = [block, samples, tokens, width];
        for (int i = 0; i < numbers.Length; i++) BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8 + 4 * i), numbers[i]);
        return header;
    }
}
