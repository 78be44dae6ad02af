using System.Runtime.InteropServices;
using Quarank.Numerics;

namespace Quarank.Checkpoints;

/// <summary>
/// One tensor as a file holds it: its type, its shape, and a way to its bytes (little-endian, row-major). Nothing is read before it is
/// asked for, and reading is safe from many threads at once.
/// </summary>
public abstract class StoredTensor(string name, ElementType type, long[] shape)
{
    /// <summary>The full name, as the checkpoint has it.</summary>
    public string Name { get; } = name;

    public ElementType Type { get; } = type;

    /// <summary>Row-major; empty for a scalar.</summary>
    public IReadOnlyList<long> Shape { get; } = shape;

    /// <summary>Elements × bytes per element.</summary>
    public abstract long ByteLength { get; }

    /// <summary>The number of elements; 1 for a scalar.</summary>
    public long Count => ByteLength / Type.Size();

    /// <summary>Rows of a matrix; a vector or a scalar is one row.</summary>
    /// <exception cref="InvalidDataException">The tensor has more than two dimensions, or one beyond 2³¹.</exception>
    public int Rows => Shape.Count < 2 ? 1 : Dimension(0);

    /// <summary>Columns of a matrix; the length of a vector; 1 for a scalar.</summary>
    /// <exception cref="InvalidDataException">The tensor has more than two dimensions, or one beyond 2³¹.</exception>
    public int Columns => Shape.Count == 0 ? 1 : Dimension(Shape.Count - 1);

    /// <summary>How messages call it: file, if any, and name.</summary>
    public virtual string Description => $"tensor {Quoted.Name(Name)}";

    /// <summary>Fills <paramref name="bytes"/> with the stored bytes from <paramref name="offset"/> on.</summary>
    public abstract void ReadBytes(long offset, Span<byte> bytes);

    /// <summary>All stored bytes.</summary>
    public byte[] ReadBytes()
    {
        var bytes = new byte[ArrayLength()];
        ReadBytes(0, bytes);
        return bytes;
    }

    /// <summary>Rows <paramref name="firstRow"/> … firstRow + count − 1 as floats; <paramref name="values"/> holds count × Columns of them.</summary>
    /// <exception cref="InvalidDataException">The tensor holds integers.</exception>
    /// <exception cref="NotSupportedException">The tensor holds 8-bit floats, which are not supported yet.</exception>
    public void ReadRows(int firstRow, int count, Span<float> values)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(firstRow);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if ((long)firstRow + count > Rows)
            throw new ArgumentOutOfRangeException(nameof(count), $"{Description} has {Rows} rows; {firstRow} + {count} were asked for.");
        if (values.Length != (long)count * Columns)
            throw new ArgumentException($"{count} rows of {Columns} need {(long)count * Columns} values, got {values.Length}.", nameof(values));
        ReadFloats((long)firstRow * Columns, values);
    }

    /// <summary>Elements <paramref name="first"/> … in row-major order as floats, whatever the shape; F64 is rounded, the others are exact.</summary>
    /// <inheritdoc cref="ReadRows" path="/exception"/>
    public void ReadFloats(long first, Span<float> values) => FloatElements.Read(this, first, values);

    /// <summary>All elements in row-major order, as floats.</summary>
    /// <inheritdoc cref="ReadRows" path="/exception"/>
    public float[] ReadAll()
    {
        var values = new float[ArrayLength(Count)];
        ReadFloats(0, values);
        return values;
    }

    /// <summary>The whole tensor as Rows × Columns floats.</summary>
    /// <inheritdoc cref="ReadRows" path="/exception"/>
    public Matrix<float> ReadMatrix() => new(Rows, Columns, ReadAll());

    /// <summary>All elements as they are stored: <typeparamref name="T"/> is double for F64, int for I32, Half for F16 and so on.</summary>
    /// <exception cref="InvalidDataException">The tensor is not stored as <typeparamref name="T"/>.</exception>
    public T[] ReadArray<T>() where T : unmanaged
    {
        if (Type != ElementTypes.Of<T>())
            throw new InvalidDataException($"{Description}: expected {ElementTypes.Of<T>().SafetensorsName()}, found {Type.SafetensorsName()}.");
        var values = new T[ArrayLength(Count)];
        // AsBytes ends at 2³¹ bytes, so large arrays are read in pieces.
        const int piece = 1 << 26;
        for (int i = 0; i < values.Length; i += piece)
            ReadBytes((long)i * Type.Size(), MemoryMarshal.AsBytes(values.AsSpan(i, Math.Min(piece, values.Length - i))));
        return values;
    }

    /// <summary>The same bytes under another name.</summary>
    public StoredTensor Renamed(string name) => name == Name ? this : new RenamedTensor(this, name);

    /// <summary>A tensor in memory, from the bytes a file would hold; the array is not copied.</summary>
    /// <exception cref="ArgumentException">The bytes do not fill the shape.</exception>
    public static StoredTensor FromBytes(string name, ElementType type, byte[] bytes, params long[] shape) =>
        new MemoryTensor<byte>(name, type, shape, bytes);

    /// <summary>A tensor in memory, stored as the values are (float as F32, Half as F16, byte as U8 …); the array is not copied.</summary>
    /// <exception cref="ArgumentException">The values do not fill the shape, or no element type stores <typeparamref name="T"/>.</exception>
    public static StoredTensor FromValues<T>(string name, T[] values, params long[] shape) where T : unmanaged =>
        new MemoryTensor<T>(name, ElementTypes.Of<T>(), shape, values);

    /// <summary>A tensor in memory of F64, F32, F16 or BF16, to which the values are rounded (to nearest, ties to even).</summary>
    /// <exception cref="ArgumentException">The values do not fill the shape, or the type is none of the four.</exception>
    public static StoredTensor FromFloats(string name, ElementType type, ReadOnlySpan<float> values, params long[] shape) =>
        new MemoryTensor<byte>(name, type, shape, FloatElements.ToBytes(type, values));

    private int Dimension(int i) => Shape.Count <= 2 && Shape[i] <= int.MaxValue
        ? (int)Shape[i]
        : throw new InvalidDataException($"{Description}: expected a matrix or a vector, found shape [{string.Join(", ", Shape)}].");

    private int ArrayLength() => ArrayLength(ByteLength);

    private int ArrayLength(long length) => length <= Array.MaxLength
        ? (int)length
        : throw new InvalidOperationException($"{Description} is too large to be read at once ({ByteLength} bytes); read it by rows.");
}
