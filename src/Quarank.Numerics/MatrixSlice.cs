namespace Quarank.Numerics;

/// <summary>A range of rows and columns of a matrix, not copied. A whole matrix converts to the slice of all of it.</summary>
public readonly struct MatrixSlice<T> where T : unmanaged
{
    private readonly Matrix<T> _matrix;
    private readonly int _first;

    /// <exception cref="ArgumentOutOfRangeException">The range leaves the matrix.</exception>
    public MatrixSlice(Matrix<T> matrix, int firstRow, int rows, int firstColumn, int columns)
    {
        Check(nameof(rows), firstRow, rows, matrix.Rows);
        Check(nameof(columns), firstColumn, columns, matrix.Columns);
        (_matrix, Rows, Columns) = (matrix, rows, columns);
        _first = rows == 0 || columns == 0 ? 0 : firstRow * matrix.Columns + firstColumn;
    }

    public int Rows { get; }
    public int Columns { get; }

    /// <summary>The distance from a row to the next in <see cref="Data"/>.</summary>
    public int Stride => _matrix.Columns;

    /// <summary>The values from the slice's first to the end of its matrix; row i begins at i · Stride.</summary>
    public Span<T> Data => _matrix.Data[_first..];

    public Span<T> Row(int i) => Data.Slice(i * Stride, Columns);

    /// <summary>A range inside this slice.</summary>
    public MatrixSlice<T> Part(int firstRow, int rows, int firstColumn, int columns)
    {
        var (row, column) = Stride == 0 ? (0, 0) : Math.DivRem(_first, Stride);
        return new(_matrix, row + firstRow, rows, column + firstColumn, columns);
    }

    private static void Check(string name, int first, int count, int all)
    {
        if ((uint)first > all || (uint)count > all - first)
            throw new ArgumentOutOfRangeException(name, $"{count} {name} from {first} leave a matrix of {all} {name}.");
    }

    public static implicit operator MatrixSlice<T>(Matrix<T> matrix) => new(matrix, 0, matrix.Rows, 0, matrix.Columns);
}

/// <summary>Ranges of rows or of columns of a matrix.</summary>
public static class MatrixSlice
{
    /// <summary>Rows <paramref name="first"/> … first + count − 1, all columns.</summary>
    public static MatrixSlice<T> SliceRows<T>(this Matrix<T> matrix, int first, int count) where T : unmanaged =>
        new(matrix, first, count, 0, matrix.Columns);

    /// <summary>Columns <paramref name="first"/> … first + count − 1, all rows.</summary>
    public static MatrixSlice<T> SliceColumns<T>(this Matrix<T> matrix, int first, int count) where T : unmanaged =>
        new(matrix, 0, matrix.Rows, first, count);
}
