using Quarank.Compression.Rounding;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>Components quantized together.</summary>
/// <param name="Band">Which of the method's bands they belong to.</param>
/// <param name="P">A column of P a row: count × rows of the layer.</param>
/// <param name="Q">Count × columns of the layer.</param>
internal sealed record LordqBlock(int Band, FactorCodes P, FactorCodes Q)
{
    public int Count => Q.Values.Rows;

    private Matrix<double>? _weighted;

    /// <summary>Q̂ Y, once Q is rounded; computed once.</summary>
    public Matrix<double> Weighted(Matrix<double> y) => _weighted ??= LinearAlgebra.TimesLower(Q.Values, y);

    /// <summary>P̂ Q̂ Y.</summary>
    public Matrix<double> Image(Matrix<double> y) => LinearAlgebra.TransposeMultiply(P.Values, Weighted(y));

    /// <summary>Σ P̂ Q̂.</summary>
    public static Matrix<double> Product(IReadOnlyList<LordqBlock> blocks) =>
        LinearAlgebra.TransposeMultiply(Stack([.. blocks.Select(b => b.P.Values)]), Stack([.. blocks.Select(b => b.Q.Values)]));

    /// <summary>The rows of all parts, one after the other.</summary>
    public static Matrix<double> Stack(IReadOnlyList<Matrix<double>> parts)
    {
        var all = new Matrix<double>(parts.Sum(p => p.Rows), parts[0].Columns);
        int row = 0;
        foreach (var part in parts)
        {
            part.Data.CopyTo(all.RowRange(row, part.Rows));
            row += part.Rows;
        }
        return all;
    }
}
