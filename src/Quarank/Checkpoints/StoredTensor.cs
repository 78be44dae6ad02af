namespace Quarank.Checkpoints;

/// <summary>One tensor as a file holds it: its type, its shape, and a way to its bytes. Nothing is read before it is asked for.</summary>
public abstract class StoredTensor(string name, ElementType type, long[] shape)
{
    /// <summary>The full name, as the checkpoint has it.</summary>
    public string Name { get; } = name;

    public ElementType Type { get; } = type;

    /// <summary>Row-major; empty for a scalar.</summary>
    public IReadOnlyList<long> Shape { get; } = shape;

    public abstract long ByteLength { get; }

    /// <summary>Fills <paramref name="bytes"/> with the stored bytes from <paramref name="offset"/> on.</summary>
    public abstract void ReadBytes(long offset, Span<byte> bytes);
}
