using Quarank.Checkpoints;

namespace Quarank.Pipeline.Transforms;

/// <summary>A tensor whose rows are made as they are read, some at a time; the last ones made are kept for the next read.</summary>
/// <param name="make">Some rows as floats: the first and how many. A vector is one row.</param>
internal sealed class MadeTensor(string name, ElementType type, long[] shape, Func<int, int, float[]> make) : StoredTensor(name, type, shape)
{
    private const int Together = 1 << 22;    // values

    private readonly Lock _lock = new();
    private byte[] _made = [];
    private int _chunk = -1;

    public override long ByteLength { get; } = TensorShape.TryByteLength(shape, type, out long bytes)
        ? bytes
        : throw new ArgumentException($"{name}: shape {TensorShape.Show(shape)} is too large.");

    public override void ReadBytes(long offset, Span<byte> bytes)
    {
        TensorShape.CheckRange(this, offset, bytes.Length);
        int rows = Math.Max(1, Together / Columns);
        long perChunk = (long)rows * Columns * Type.Size();
        lock (_lock)
        {
            while (!bytes.IsEmpty)
            {
                int chunk = (int)(offset / perChunk), at = (int)(offset % perChunk);
                if (chunk != _chunk)
                {
                    int count = Math.Min(rows, Rows - chunk * rows);
                    _made = FloatElements.ToBytes(Type, make(chunk * rows, count));
                    _chunk = chunk;
                }
                int length = Math.Min(bytes.Length, _made.Length - at);
                _made.AsSpan(at, length).CopyTo(bytes);
                bytes = bytes[length..];
                offset += length;
            }
            if (offset == ByteLength) (_made, _chunk) = ([], -1);
        }
    }
}
