using Quarank.Checkpoints;

namespace Quarank.Studies.Speed;

/// <summary>A tensor whose bytes are all made when the first of them is read, and let go of with the last.</summary>
internal sealed class LazyTensor(string name, ElementType type, long[] shape, Func<byte[]> make) : StoredTensor(name, type, shape)
{
    private byte[]? _made;

    public override long ByteLength { get; } = TensorShape.TryByteLength(shape, type, out long bytes)
        ? bytes
        : throw new ArgumentException($"{name}: shape {TensorShape.Show(shape)} is too large.");

    public override void ReadBytes(long offset, Span<byte> bytes)
    {
        TensorShape.CheckRange(this, offset, bytes.Length);
        byte[] made = _made ??= make();
        made.AsSpan((int)offset, bytes.Length).CopyTo(bytes);
        if (offset + bytes.Length == ByteLength) _made = null;
    }
}
