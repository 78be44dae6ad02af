using System.Numerics.Tensors;
using Quarank.Numerics;

namespace Quarank.Models;

/// <summary>Element-wise work over the tokens of a sequence, cut into pieces of fixed size for the pool.</summary>
internal static class RowWise
{
    private const int Chunk = 32;

    /// <summary>Runs body(first, count) over all rows.</summary>
    public static void For(int rows, Action<int, int> body) => Threads.For((rows + Chunk - 1) / Chunk, c =>
    {
        int first = c * Chunk;
        body(first, Math.Min(Chunk, rows - first));
    });

    /// <summary>x += y.</summary>
    public static void Add(Matrix<float> x, Matrix<float> y)
    {
        if (x.Rows == 1) TensorPrimitives.Add(x.Data, y.Data, x.Data);
        else AddAll(x, y);
    }

    private static void AddAll(Matrix<float> x, Matrix<float> y) => For(x.Rows, (first, count) =>
    {
        var rows = x.RowRange(first, count);
        TensorPrimitives.Add(rows, y.RowRange(first, count), rows);
    });
}
