using System.Numerics;
using System.Numerics.Tensors;
using Quarank.Numerics;

namespace Quarank.Training;

/// <summary>Sums over all tokens, a piece of columns at a time, so that their order is that of the tokens at any thread count.</summary>
internal static class ColumnSums
{
    private const int Piece = 64;

    /// <summary>sum_j = Σ_t a_tj, or Σ_t a_tj b_tj.</summary>
    /// <param name="sum">A row of a's width.</param>
    public static void Of<T>(Matrix<T> a, Matrix<T>? b, Matrix<T> sum) where T : unmanaged, IFloatingPointIeee754<T> =>
        Threads.For((a.Columns + Piece - 1) / Piece, p =>
        {
            int first = p * Piece, count = Math.Min(Piece, a.Columns - first);
            var part = sum.Row(0).Slice(first, count);
            part.Clear();
            for (int t = 0; t < a.Rows; t++)
            {
                var row = a.Row(t).Slice(first, count);
                if (b is null) TensorPrimitives.Add(row, part, part);
                else TensorPrimitives.MultiplyAdd(row, b.Row(t).Slice(first, count), part, part);
            }
        });
}
