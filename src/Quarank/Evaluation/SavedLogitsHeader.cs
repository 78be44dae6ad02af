using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Quarank.Tokenizers;

namespace Quarank.Evaluation;

/// <summary>What a file of saved logits is of. Hashes are SHA-256 in hexadecimal digits.</summary>
/// <param name="Vocabulary">Logits of a distribution.</param>
/// <param name="Length">Tokens of a segment; one less are foretold.</param>
/// <param name="Segments">From the start of the text.</param>
/// <param name="Model">Hash of the model.</param>
/// <param name="Text">Hash of the text's UTF-8.</param>
/// <param name="Tokenizer">Hash of the pieces by their ids.</param>
/// <param name="Tokens">Hash of the ids of all segments.</param>
public sealed record SavedLogitsHeader(
    int Vocabulary, int Length, int Segments, string Model, string Text, string Tokenizer, string Tokens)
{
    /// <summary>Bytes of the header; of a checksum, which ends it and every segment.</summary>
    internal const int HeaderBytes = 160, ChecksumBytes = 8;

    private const int MostTop = 64;

    /// <summary>How many logits of a distribution are kept: 64, or all of a vocabulary that has fewer.</summary>
    public int Top => Math.Min(MostTop, Vocabulary);

    /// <summary>Bytes of an id: 2, or 3 for more than 65,536 tokens.</summary>
    public int IdBytes => Vocabulary <= 65536 ? 2 : 3;

    /// <summary>Distributions in the file.</summary>
    public long Positions => (long)Segments * (Length - 1);

    /// <summary>Bytes of a distribution.</summary>
    public int PositionBytes => SavedPosition.FixedBytes + Top * (2 + IdBytes);

    /// <summary>Bytes of the file.</summary>
    public long FileBytes => HeaderBytes + Segments * SegmentBytes;

    internal long SegmentBytes => (long)(Length - 1) * PositionBytes + ChecksumBytes;

    private static ReadOnlySpan<byte> Magic => "QLOGITS1"u8;

    /// <param name="vocabulary">Rows of the model's head.</param>
    /// <param name="model">Its hash.</param>
    /// <param name="text">The whole text; <paramref name="ids"/> are its tokens by <paramref name="tokenizer"/>.</param>
    /// <param name="segments">At most so many; null takes as many as there are.</param>
    /// <exception cref="InvalidDataException">The text is shorter than one segment.</exception>
    public static SavedLogitsHeader Of(
        int vocabulary, string model, string text, Tokenizer tokenizer, ReadOnlySpan<int> ids, int length, int? segments = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 2);
        int count = Math.Min(ids.Length / length, segments ?? int.MaxValue);
        if (count == 0) throw new InvalidDataException($"The text has {ids.Length} tokens; at least {length} are needed.");
        return new(vocabulary, length, count, model, HashOf(text), tokenizer.Fingerprint(), HashOf(ids[..(count * length)]));
    }

    internal static string HashOf(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    internal static string HashOf(ReadOnlySpan<int> ids) => Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(ids)));

    internal static ReadOnlySpan<byte> Checksum(ReadOnlySpan<byte> bytes) => SHA256.HashData(bytes).AsSpan(0, ChecksumBytes);

    internal byte[] ToBytes()
    {
        var bytes = new byte[HeaderBytes];
        Magic.CopyTo(bytes);
        int[] numbers = [Vocabulary, Length, Segments, Top];
        for (int i = 0; i < numbers.Length; i++) BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8 + 4 * i), numbers[i]);
        string[] hashes = [Model, Text, Tokenizer, Tokens];
        for (int i = 0; i < hashes.Length; i++) Convert.FromHexString(hashes[i]).CopyTo(bytes.AsSpan(24 + 32 * i));
        Checksum(bytes.AsSpan(0, HeaderBytes - ChecksumBytes)).CopyTo(bytes.AsSpan(HeaderBytes - ChecksumBytes));
        return bytes;
    }

    /// <summary>The header of a file that has so many bytes.</summary>
    internal static SavedLogitsHeader Read(string file, ReadOnlySpan<byte> start, long fileBytes)
    {
        if (start.Length < Magic.Length || !start.StartsWith(Magic))
            throw new InvalidDataException($"{file}: not a file of saved logits; 'evaluate DENSE --save-logits' writes them.");
        if (start.Length < HeaderBytes)
            throw new InvalidDataException($"{file}: cut off: it has {fileBytes} bytes, its header alone takes {HeaderBytes}; save the logits again.");
        var own = start[..(HeaderBytes - ChecksumBytes)];
        int[] n = [.. MemoryMarshal.Cast<byte, int>(own.Slice(8, 16))];
        byte[] hashes = own[24..].ToArray();
        var header = new SavedLogitsHeader(n[0], n[1], n[2], Hex(0), Hex(1), Hex(2), Hex(3));
        if (!Checksum(own).SequenceEqual(start[own.Length..]) || header.Vocabulary is < 1 or > 1 << 24 || header.Length < 2
            || header.Segments < 1 || (long)header.Segments * header.Length > Array.MaxLength || n[3] != header.Top)
            throw new InvalidDataException($"{file}: the header is damaged; save the logits again.");
        if (header.FileBytes != fileBytes)
            throw new InvalidDataException(FormattableString.Invariant(
                $"{file}: {(fileBytes < header.FileBytes ? "cut off" : "too long")}: it has {fileBytes:N0} bytes, its header announces {header.FileBytes:N0}; save the logits again."));
        return header;

        string Hex(int index) => Convert.ToHexStringLower(hashes.AsSpan(32 * index, 32));
    }
}
