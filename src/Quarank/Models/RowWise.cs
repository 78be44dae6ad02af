using System.Numerics.Tensors;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;

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

    /// <summary>gate = silu(gate) · up, with silu(x) = x / (1 + e^−x).</summary>
    public static void SiluMultiply(Matrix<float> gate, Matrix<float> up)
    {
        if (gate.Rows == 1) ActivationKernels.SiluMultiply(gate.Data, up.Data, gate.Data);
        else SiluMultiplyAll(gate, up);
    }

    private static void AddAll(Matrix<float> x, Matrix<float> y) => For(x.Rows, (first, count) =>
    {
        var rows = x.RowRange(first, count);
        TensorPrimitives.Add(rows, y.RowRange(first, count), rows);
    });

    private static void SiluMultiplyAll(Matrix<float> gate, Matrix<float> up) =>
        For(gate.Rows, (first, count) => ActivationKernels.SiluMultiply(gate.RowRange(first, count), up.RowRange(first, count), gate.RowRange(first, count)));
}
