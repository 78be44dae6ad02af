using Quarank.Numerics;

namespace Quarank.Training;

/// <summary>A matrix that is kept from pass to pass as long as its size stays; what it held is overwritten.</summary>
internal sealed class Room<T> where T : unmanaged
{
    private Matrix<T>? _matrix;

    public Matrix<T> Fit(int rows, int columns)
    {
        if (_matrix?.Rows != rows || _matrix.Columns != columns) _matrix = new(rows, columns);
        return _matrix;
    }
}
