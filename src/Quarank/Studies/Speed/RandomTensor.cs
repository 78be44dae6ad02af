using System.Runtime.InteropServices;
using Quarank.Checkpoints;

namespace Quarank.Studies.Speed;

/// <summary>
/// A tensor of any size that takes no memory: each 8 bytes are made, when they are read, from their place and a seed (SplitMix64's
/// function of a counter), so the same place always holds the same bytes.
/// </summary>
/// <param name="seed">Another for every tensor.</param>
/// <param name="word">Makes 8 bytes, little-endian, of 64 random bits.</param>
internal sealed class RandomTensor(string name, ElementType type, long[] shape, ulong seed, Func<ulong, ulong> word) : StoredTensor(name, type, shape)
{
    private const int Word = sizeof(ulong);

    public override long ByteLength { get; } = TensorShape.TryByteLength(shape, type, out long bytes)
        ? bytes
        : throw new ArgumentException($"{name}: shape {TensorShape.Show(shape)} is too large.");

    public override void ReadBytes(long offset, Span<byte> bytes)
    {
        TensorShape.CheckRange(this, offset, bytes.Length);
        while (!bytes.IsEmpty)
        {
            long index = offset / Word;
            int skip = (int)(offset % Word), whole = skip == 0 ? bytes.Length / Word : 0;
            if (whole > 0)
            {
                var words = MemoryMarshal.Cast<byte, ulong>(bytes[..(whole * Word)]);
                for (int i = 0; i < words.Length; i++) words[i] = At(index + i);
                offset += whole * Word;
                bytes = bytes[(whole * Word)..];
                continue;
            }
            ulong one = At(index);
            var part = MemoryMarshal.AsBytes(new Span<ulong>(ref one))[skip..];
            if (part.Length > bytes.Length) part = part[..bytes.Length];
            part.CopyTo(bytes);
            offset += part.Length;
            bytes = bytes[part.Length..];
        }
    }

    private ulong At(long index)
    {
        ulong z = seed + ((ulong)index + 1) * 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return word(z ^ (z >> 31));
    }
}
