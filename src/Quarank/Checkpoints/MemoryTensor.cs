using System.Runtime.InteropServices;

namespace Quarank.Checkpoints;

/// <summary>A tensor whose values are in memory, waiting to be written.</summary>
internal sealed class MemoryTensor<T> : StoredTensor where T : unmanaged
{
    private static readonly int Size = ElementTypes.Of<T>().Size();

    private readonly T[] _values;

    public MemoryTensor(string name, ElementType type, long[] shape, T[] values) : base(name, type, (long[])shape.Clone())
    {
        ByteLength = values.LongLength * Size;
        if (!TensorShape.TryByteLength(shape, type, out long needed) || needed != ByteLength)
            throw new ArgumentException($"{Description}: {ByteLength} bytes do not fill {type.SafetensorsName()} {TensorShape.Show(shape)}.", nameof(values));
        _values = values;
    }

    public override long ByteLength { get; }

    public override void ReadBytes(long offset, Span<byte> bytes)
    {
        TensorShape.CheckRange(this, offset, bytes.Length);
        if (bytes.IsEmpty) return;
        // A window of whole elements around the wanted bytes: AsBytes over all of them could pass 2³¹ bytes.
        int skip = (int)(offset % Size);
        var window = _values.AsSpan((int)(offset / Size), (int)(((long)skip + bytes.Length + Size - 1) / Size));
        MemoryMarshal.AsBytes(window).Slice(skip, bytes.Length).CopyTo(bytes);
    }
}
