namespace Quarank.Numerics;

/// <summary>A dense row-major matrix of <typeparamref name="T"/>: float for weights and activations, double for factorizations.</summary>
public sealed class Matrix<T> where T : unmanaged
{
    private readonly T[] _data;

    /// <summary>A matrix of zeros.</summary>
    public Matrix(int rows, int columns) : this(rows, columns, new T[checked(rows * columns)]) { }

    /// <summary>Wraps <paramref name="data"/>, rows × columns values in row-major order; the array is not copied.</summary>
    public Matrix(int rows, int columns, T[] data)
    {
        if (data.Length != (long)rows * columns)
            throw new ArgumentException($"A {rows}x{columns} matrix needs {(long)rows * columns} values, got {data.Length}.", nameof(data));
        (Rows, Columns, _data) = (rows, columns, data);
    }

    public int Rows { get; }
    public int Columns { get; }

    /// <summary>All values, row by row.</summary>
    public Span<T> Data => _data;

    public Span<T> Row(int i) => _data.AsSpan(i * Columns, Columns);

    /// <summary>Rows <paramref name="first"/> … first + count − 1, contiguous.</summary>
    public Span<T> RowRange(int first, int count) => _data.AsSpan(first * Columns, count * Columns);

    public ref T this[int i, int j] => ref _data[i * Columns + j];

    /// <summary>The same values as rows × columns, not copied.</summary>
    public Matrix<T> Reshape(int rows, int columns) => new(rows, columns, _data);

    public Matrix<T> Clone() => new(Rows, Columns, (T[])_data.Clone());
}
