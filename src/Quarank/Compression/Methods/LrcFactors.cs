using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>U and Vᵀ as they are stored: half floats, or codes with a scale for each column of U and row of Vᵀ.</summary>
internal sealed class LrcFactors
{
    private readonly FactorCodes _left, _right;

    /// <param name="left">Uᵀ, k × M.</param>
    /// <param name="right">Vᵀ, k × N.</param>
    public LrcFactors(Matrix<double> left, Matrix<double> right, int bits)
    {
        var grid = bits == 16 ? null : new CodeGrid(Grid(bits), GridRange.Clip);
        (_left, _right) = (new FactorCodes(grid, left.Rows, left.Columns), new FactorCodes(grid, right.Rows, right.Columns));
        _left.RoundAll(left);
        _right.RoundAll(right);
    }

    public static long BitsOf(int rows, int columns, int rank, int bits) => bits == 16 ? 16L * rank * (rows + columns)
        : (Grid(bits) with { Axis = GridAxis.Columns }).BitsOf(rows, rank) + Grid(bits).BitsOf(rank, columns);

    /// <summary>U Vᵀ as it will be decoded.</summary>
    public Matrix<double> Product() => LinearAlgebra.TransposeMultiply(_left.Values, _right.Values);

    public ProductLinear ToLinear() => new(FactorCodes.ToColumns([_left]), FactorCodes.ToRows([_right]));

    private static GridFormat Grid(int bits) => new(bits, 0, GridOffset.None);
}
